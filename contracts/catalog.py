"""Every event and question there is, for the snapshots, the AsyncAPI document and the permissions of NATS."""

from contracts import permits, registry, sharing
from contracts.envelope import Event, Question

EVENTS: tuple[type[Event], ...] = (
    registry.StructureChanged,
    registry.StationChanged,
    registry.OrganisationChanged,
    registry.UnitChanged,
    permits.ApplicationFiled,
    permits.ApplicationAccepted,
    permits.ApplicationSupplementRequested,
    permits.ApplicationSupplemented,
    permits.ApplicationWithdrawn,
    permits.ApplicationDecided,
    permits.OpinionGiven,
    permits.WorksCommenced,
    permits.WorksCompleted,
    sharing.AgreementChanged,
    sharing.StatementSealed,
)
QUESTIONS: tuple[type[Question], ...] = (registry.MastsNear,)
