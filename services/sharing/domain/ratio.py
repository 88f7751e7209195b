"""Counted, shared and why: one structure's history under a definition, as rectangles of valid and recorded time.

A pure function of what is known of one structure: it is recomputed whole whenever an event touches it, so that
doubled, late and shuffled events cannot leave a trace of their order.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from itertools import chain, pairwise
from typing import Generic, TypeVar

from services.sharing.domain.definition import Definition
from services.sharing.domain.predicate import failing, holds

NO_DAY = date.max
NEVER = datetime.max.replace(tzinfo=UTC)
F = TypeVar("F", covariant=True)


@dataclass(frozen=True, slots=True)
class Held(Generic[F]):
    """`fact` is believed for the days `[valid_from, valid_to)` at the instants `[recorded_from, recorded_to)`."""

    valid_from: date
    valid_to: date
    recorded_from: datetime
    recorded_to: datetime
    fact: F

    def covers(self, day: date, instant: datetime) -> bool:
        return self.valid_from <= day < self.valid_to and self.recorded_from <= instant < self.recorded_to


@dataclass(frozen=True, slots=True)
class Structure:
    owner: str
    status: str
    code_system: str | None = None
    code: str | None = None
    commune: str | None = None
    capacity: int | None = None
    evidence: int = 1


@dataclass(frozen=True, slots=True)
class Station:
    id: str
    operator: str
    status: str
    evidence: int = 1


@dataclass(frozen=True, slots=True)
class Tenancy:
    id: str
    tenant: str
    kind: str
    status: str
    evidence: int = 1


@dataclass(frozen=True, slots=True)
class Identity:
    """The enterprise behind a brand, and what kind of organisation it is."""

    legal_entity: str
    kind: str


@dataclass(frozen=True)
class History:
    """All that is known of one structure; `identities` of every organisation that is mentioned in it."""

    structure: Sequence[Held[Structure]]
    stations: Sequence[Held[Station]] = ()
    tenancies: Sequence[Held[Tenancy]] = ()
    identities: Mapping[str, Sequence[Held[Identity]]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sharer:
    """`role` says how the enterprise uses the structure; `thing` is the agreement or station, "" for the owner."""

    legal_entity: str
    org: str
    role: str
    thing: str


@dataclass(frozen=True, slots=True)
class Outcome:
    owner: str
    commune: str | None
    counted: bool
    shared: bool
    reason: str
    sharers: tuple[Sharer, ...]


@dataclass(frozen=True, slots=True)
class Span:
    valid_from: date
    valid_to: date
    recorded_from: datetime
    recorded_to: datetime
    outcome: Outcome


Identities = Mapping[str, Identity]


def judge(
    definition: Definition,
    structure: Structure,
    stations: Iterable[Station],
    tenancies: Iterable[Tenancy],
    identities: Identities,
) -> Outcome:
    """The verdict on one structure on one day as known at one instant.

    Reasons: `not_counted:<fact>`, `shared`, `no_enterprise`, `single_enterprise`, `same_legal_entity` (several
    brands of one enterprise) and `evidence` (it would be shared if weaker evidence were enough).
    """
    facts = {
        "status": structure.status,
        "code_system": structure.code_system,
        "code": structure.code,
        "capacity": structure.capacity,
        "evidence": structure.evidence,
    }
    missing = failing(definition.counted, facts)
    if missing is not None:
        return Outcome(structure.owner, structure.commune, False, False, f"not_counted:{missing}", ())
    claims = list(_claims(structure, stations, tenancies, identities))
    sharers = _accepted(definition, claims, frozenset())
    distinct = {sharer.legal_entity for sharer in sharers}
    shared = len(distinct) >= definition.minimum
    reason = "shared" if shared else _shortfall(definition, claims, sharers)
    return Outcome(structure.owner, structure.commune, True, shared, reason, sharers)


def verdict(definition: Definition, history: History, day: date, instant: datetime) -> Outcome | None:
    """The verdict at one (D, K) straight from the history, without rectangles; None where nothing is believed then."""
    structure = at(history.structure, day, instant)
    if not structure:
        return None
    known = {org: at(held, day, instant) for org, held in history.identities.items()}
    identities = {org: found[0] for org, found in known.items() if found}
    stations, tenancies = at(history.stations, day, instant), at(history.tenancies, day, instant)
    return judge(definition, structure[0], stations, tenancies, identities)


def at(held: Iterable[Held[F]], day: date, instant: datetime) -> list[F]:
    """What is believed of one day at one instant."""
    return [each.fact for each in held if each.covers(day, instant)]


Claim = tuple[Sharer, dict[str, str | int]]


def _claims(
    structure: Structure, stations: Iterable[Station], tenancies: Iterable[Tenancy], identities: Identities
) -> Iterator[Claim]:
    def claim(org: str, role: str, thing: str, **facts: str | int) -> Claim:
        identity = identities.get(org, Identity(org, ""))
        return Sharer(identity.legal_entity, org, role, thing), {"organisation_kind": identity.kind, **facts}

    yield claim(structure.owner, "owner", "", status=structure.status, evidence=structure.evidence)
    for tenancy in tenancies:
        yield claim(
            tenancy.tenant, "tenant", tenancy.id, status=tenancy.status, kind=tenancy.kind, evidence=tenancy.evidence
        )
    for station in stations:
        yield claim(station.operator, "operator", station.id, status=station.status, evidence=station.evidence)


def _accepted(definition: Definition, claims: Iterable[Claim], ignoring: frozenset[str]) -> tuple[Sharer, ...]:
    found = {
        sharer
        for sharer, facts in claims
        if any(rule.role == sharer.role and holds(rule.when, facts, ignoring=ignoring) for rule in definition.sharers)
    }
    return tuple(sorted(found, key=lambda s: (s.legal_entity, s.org, s.role, s.thing)))


def _shortfall(definition: Definition, claims: Iterable[Claim], sharers: Sequence[Sharer]) -> str:
    weaker = {sharer.legal_entity for sharer in _accepted(definition, claims, frozenset({"evidence"}))}
    if len(weaker) >= definition.minimum:
        return "evidence"
    if not sharers:
        return "no_enterprise"
    several = len({sharer.org for sharer in sharers}) >= definition.minimum
    return "same_legal_entity" if several else "single_enterprise"


def spans(definition: Definition, history: History) -> list[Span]:
    """The verdicts as the largest rectangles in recorded time; together they cover the structure's belief exactly."""
    finished: list[Span] = []
    standing: dict[tuple[date, date, Outcome], datetime] = {}
    for since, until in pairwise(_instants(history)):
        seen = {(first, last, outcome) for first, last, outcome in _slice(definition, history, since)}
        gone = [key for key in standing if key not in seen]
        finished.extend(_span(key, standing.pop(key), since) for key in gone)
        for key in seen:
            standing.setdefault(key, since)
        if until == NEVER:
            finished.extend(_span(key, opened, NEVER) for key, opened in standing.items())
    return sorted(finished, key=lambda s: (s.recorded_from, s.valid_from))


def _span(key: tuple[date, date, Outcome], opened: datetime, closed: datetime) -> Span:
    return Span(key[0], key[1], opened, closed, key[2])


def _instants(history: History) -> list[datetime]:
    """Every instant at which something may have been learnt, from the structure's first belief to the open end."""
    if not history.structure:
        return []
    start = min(held.recorded_from for held in history.structure)
    parts: Iterator[Held[object]] = chain(
        history.structure, history.stations, history.tenancies, *history.identities.values()
    )
    corners = {start, NEVER}
    for held in parts:
        corners.update(at for at in (held.recorded_from, held.recorded_to) if at > start)
    return sorted(corners)


def _known(held: Iterable[Held[F]], instant: datetime) -> list[Held[F]]:
    return [each for each in held if each.recorded_from <= instant < each.recorded_to]


def _slice(definition: Definition, history: History, instant: datetime) -> list[tuple[date, date, Outcome]]:
    """What is believed at one instant, day by day, neighbours with the same verdict joined."""
    structure = sorted(_known(history.structure, instant), key=lambda held: held.valid_from)
    stations, tenancies = _known(history.stations, instant), _known(history.tenancies, instant)
    identities = {org: _known(held, instant) for org, held in history.identities.items()}
    corners: set[date] = set()
    known: Iterator[Held[object]] = chain(structure, stations, tenancies, *identities.values())
    for each in known:
        corners.update((each.valid_from, each.valid_to))
    days = sorted(corners)
    joined: list[tuple[date, date, Outcome]] = []
    for version in structure:
        within = [day for day in days if version.valid_from <= day <= version.valid_to]
        for first, last in pairwise(within):
            outcome = judge(
                definition,
                version.fact,
                [s.fact for s in stations if s.valid_from <= first < s.valid_to],
                [t.fact for t in tenancies if t.valid_from <= first < t.valid_to],
                _on(identities, first),
            )
            if joined and joined[-1][1] == first and joined[-1][2] == outcome:
                joined[-1] = (joined[-1][0], last, outcome)
            else:
                joined.append((first, last, outcome))
    return joined


def _on(identities: Mapping[str, Sequence[Held[Identity]]], day: date) -> Identities:
    return {
        org: held.fact
        for org, versions in identities.items()
        for held in versions
        if held.valid_from <= day < held.valid_to
    }
