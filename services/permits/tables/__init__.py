"""The tables of permits. Validation happens in schemas and rules; what must never be otherwise is a CHECK here."""

from kernel.db import own_tables
from services.permits.tables.clocks import ClockEvent, Deadline
from services.permits.tables.columns import Table
from services.permits.tables.copies import MandateCopy, OrganisationCopy, UnitCopy
from services.permits.tables.dossier import (
    Application,
    ApplicationPart,
    ApplicationSite,
    Consent,
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
from services.permits.tables.people import Deputy, Message, Notification, Officer, Preference
from services.permits.tables.reviews import Review, RoutingChoice

metadata = Table.metadata
own_tables(metadata)

__all__ = [
    "Application",
    "ApplicationPart",
    "ApplicationSite",
    "CalendarDay",
    "CalendarVersion",
    "ClockEvent",
    "CodeEntry",
    "Consent",
    "Deadline",
    "Decision",
    "DecisionCondition",
    "Deputy",
    "File",
    "FileChunk",
    "LawDraft",
    "MandateCopy",
    "Message",
    "Notice",
    "Notification",
    "NumberSeries",
    "Officer",
    "OrganisationCopy",
    "Phrase",
    "Preference",
    "ProcedureVersion",
    "Review",
    "RoutingChoice",
    "ShareOption",
    "SupplementRequest",
    "Table",
    "UnitCopy",
    "metadata",
]
