"""The tables of sharing. Validation happens in schemas and rules; what must never be otherwise is a CHECK here."""

from kernel import mail
from kernel.db import own_tables
from services.sharing.tables.agreements import Agreement, AgreementChange, AgreementVersion
from services.sharing.tables.audit_plans import AuditItem, AuditPlan
from services.sharing.tables.columns import Table
from services.sharing.tables.contradictions import Contradiction, ContradictionLook
from services.sharing.tables.copies import (
    Belief,
    OrganisationCopy,
    Placement,
    StationCopy,
    Structure,
    StructureCopy,
    UnitCopy,
)
from services.sharing.tables.indicators import Indicator, IndicatorValue
from services.sharing.tables.law import AgreementKind, BoundarySet, Definition, Plan, Target
from services.sharing.tables.ratio import RatioCheckpoint, RatioDelta, RatioGroup, RatioSeries, RatioSpan
from services.sharing.tables.reports import (
    Report,
    ReportContact,
    ReportCycle,
    ReportLine,
    ReportReminder,
    ReportVersion,
)
from services.sharing.tables.statements import Statement, StatementLine, StatementNumber

metadata = Table.metadata
own_tables(metadata)
mail.own_table(metadata)

__all__ = [
    "Agreement",
    "AgreementChange",
    "AgreementKind",
    "AgreementVersion",
    "AuditItem",
    "AuditPlan",
    "Belief",
    "BoundarySet",
    "Contradiction",
    "ContradictionLook",
    "Definition",
    "Indicator",
    "IndicatorValue",
    "OrganisationCopy",
    "Placement",
    "Plan",
    "RatioCheckpoint",
    "RatioDelta",
    "RatioGroup",
    "RatioSeries",
    "RatioSpan",
    "Report",
    "ReportContact",
    "ReportCycle",
    "ReportLine",
    "ReportReminder",
    "ReportVersion",
    "Statement",
    "StatementLine",
    "StatementNumber",
    "StationCopy",
    "Structure",
    "StructureCopy",
    "Table",
    "Target",
    "UnitCopy",
    "metadata",
]
