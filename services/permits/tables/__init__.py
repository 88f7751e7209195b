"""The tables of permits. Validation happens in schemas and rules; what must never be otherwise is a CHECK here."""

from kernel import mail
from kernel.db import own_tables
from services.permits.tables.clocks import ClockEvent, Deadline
from services.permits.tables.columns import Table
from services.permits.tables.copies import MandateCopy, OrganisationCopy, UnitCopy
from services.permits.tables.dossier import (
    Application,
    ApplicationPart,
    ApplicationSite,
    Decision,
    DecisionCondition,
    Notice,
    ShareOption,
    SupplementRequest,
)
from services.permits.tables.files import File, FileChunk
from services.permits.tables.law import (
    CalendarDay,
    CalendarVersion,
    CodeEntry,
    LawDraft,
    NumberSeries,
    Phrase,
    ProcedureVersion,
)
from services.permits.tables.people import Message, Notification, Person, Preference, Told
from services.permits.tables.reviews import Duty, Review, ReviewStep

metadata = Table.metadata
own_tables(metadata)
mail.own_table(metadata)

__all__ = [
    "Application",
    "ApplicationPart",
    "ApplicationSite",
    "CalendarDay",
    "CalendarVersion",
    "ClockEvent",
    "CodeEntry",
    "Deadline",
    "Decision",
    "DecisionCondition",
    "Duty",
    "File",
    "FileChunk",
    "LawDraft",
    "MandateCopy",
    "Message",
    "Notice",
    "Notification",
    "NumberSeries",
    "OrganisationCopy",
    "Person",
    "Phrase",
    "Preference",
    "ProcedureVersion",
    "Review",
    "ReviewStep",
    "ShareOption",
    "SupplementRequest",
    "Table",
    "Told",
    "UnitCopy",
    "metadata",
]
