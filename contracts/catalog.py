"""Every event and question there is, and who may know which: for snapshots, AsyncAPI and the broker's permissions."""

from collections.abc import Mapping, Sequence

from contracts import gateway, permits, registry, sharing
from contracts.envelope import Event, Question, stream_of

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
QUESTIONS: tuple[type[Question], ...] = (registry.MastsNear, sharing.MastsToShare, *gateway.QUESTIONS)

# Each reader's handlers, as `tests/contracts` proves; its publisher makes the durable with exactly this filter.
READERS: Mapping[str, tuple[type[Event], ...]] = {
    "registry": (permits.ApplicationDecided, permits.WorksCommenced, permits.WorksCompleted),
    "permits": (registry.UnitChanged, registry.OrganisationChanged),
    "sharing": (
        registry.StructureChanged,
        registry.StationChanged,
        registry.OrganisationChanged,
        registry.UnitChanged,
    ),
}
# Subjects of questions; a name ending in `>` covers all below it.
ASKERS: Mapping[str, tuple[str, ...]] = {
    "permits": (registry.MastsNear.subject, sharing.MastsToShare.subject),
    "registry": ("ask.gateway.identity.>",),
}


def readers_of(publisher: str) -> dict[str, Sequence[str]]:
    """Which of `publisher`'s events each other service reads, by their names."""
    told = {
        reader: [event.type for event in events if stream_of(event) == publisher] for reader, events in READERS.items()
    }
    return {reader: names for reader, names in told.items() if names}
