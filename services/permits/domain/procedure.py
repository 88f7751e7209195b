"""A procedure as data: validity, source, parts, agencies, clocks. Published versions never change."""

import hashlib
import json
import operator
from collections.abc import Collection, Iterable, Sequence
from datetime import date
from itertools import pairwise
from typing import Any, Literal, NamedTuple, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.permits.domain.predicate import Judgement, Predicate, Reason, judge, leaves

Unit = Literal["working_day", "day"]
Trigger = Literal[
    "received",
    "supplement_requested",
    "lapsed",
    "supplemented",
    "complete",
    "consulted",
    "answered",
    "decided",
    "withdrawn",
]
Expiry = Literal["deemed_complete", "deemed_agreed", "overdue", "lapsed"]
Effect = Literal["build", "record"]
Supplement = Literal["none", "pause", "restart", "stop"]
Duties = Literal["one_person", "two_persons", "three_persons"]
_ORDER: tuple[str, ...] = get_args(Trigger)
_CAUSED: dict[str, Trigger] = {
    "deemed_complete": "complete",
    "deemed_agreed": "answered",
    "lapsed": "supplemented",
}


def later(default: Any) -> Any:
    """A member that came after versions had been published: while it says nothing, their text and hash stay."""
    return Field(default=default, exclude_if=operator.not_)


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Words(Section):
    vi: str
    en: str


class PartRule(Section):
    code: str
    source: str
    required_when: Predicate | None = None
    optional: bool = False


class AgencyRule(Section):
    function: str
    when: Predicate | None = None
    source: str = ""
    duties: Duties | None = later(None)


class AuthorityRule(Section):
    """Who leads where `when` holds for the first site; the first rule that holds wins, else the procedure's `lead`."""

    function: str
    when: Predicate
    source: str


class Extension(Section):
    max: int = Field(gt=0)
    unit: Unit
    reason: bool = True


class ClockRule(Section):
    """`starts` and `ends` are acts; `supplement` says what a supplement request does while the clock runs.

    `unverified`: no law was found for the length; it is a local setting until somebody confirms it.
    """

    name: str
    length: int = Field(gt=0, le=400)
    unit: Unit
    starts: Literal["received", "supplement_requested", "lapsed", "supplemented", "complete", "consulted"]
    ends: Literal["supplemented", "complete", "answered", "decided"] | None = None
    supplement: Supplement = "none"
    extension: Extension | None = None
    on_expiry: Expiry = "overdue"
    source: str = ""
    unverified: bool = False

    @property
    def of_applicant(self) -> bool:
        """The applicant's own time, not the authority's."""
        return self.starts == "supplement_requested"

    @property
    def ended_by(self) -> Trigger:
        if self.ends is not None:
            return self.ends
        if self.starts == "consulted":
            return "answered"
        if self.starts == "supplement_requested":
            return "supplemented"
        return "complete" if self.on_expiry == "deemed_complete" else "decided"


class Supplements(Section):
    """`rounds` requests at most; without `new_items` a later round may only repeat what an earlier one asked for."""

    rounds: int = Field(ge=0)
    new_items: bool = False


class Procedure(Section):
    """One version. `effect`: a favourable decision lets a structure be built, or is only on record."""

    code: str
    version: int = Field(gt=0)
    work: str
    valid_from: date
    valid_to: date | None = None
    title: Words
    source: str
    kinds: list[str] = Field(min_length=1)
    outcomes: list[str] = Field(min_length=2)
    may_build: list[str] = Field(min_length=1)
    lead: str
    four_eyes: bool = False
    paper: str
    effect: Effect = Field(default="build", exclude_if=lambda effect: effect == "build")
    sites_min: int = Field(default=1, ge=1, exclude_if=lambda least: least == 1)
    sites_max: int | None = later(None)
    authority: list[AuthorityRule] = later([])
    supplements: Supplements
    parts: list[PartRule]
    agencies: list[AgencyRule] = Field(min_length=1)
    clocks: list[ClockRule] = Field(min_length=1)

    @property
    def refusals(self) -> list[str]:
        return [outcome for outcome in self.outcomes if outcome not in self.may_build]

    @property
    def label(self) -> str:
        return f"{self.code}@{self.version}"

    def clock(self, name: str) -> ClockRule:
        return next(rule for rule in self.clocks if rule.name == name)

    @model_validator(mode="after")
    def _sound(self) -> "Procedure":
        faults = list(_inner_faults(self))
        if faults:
            raise ValueError("; ".join(faults))
        return self


def _inner_faults(procedure: Procedure) -> Iterable[str]:
    """What is wrong within one version: repeated names, outcomes that build nothing, clocks without effect, cycles."""
    for what, names in (
        ("part", [part.code for part in procedure.parts]),
        ("agency", [agency.function for agency in procedure.agencies]),
        ("clock", [clock.name for clock in procedure.clocks]),
        ("outcome", procedure.outcomes),
    ):
        yield from (f"{what} {name} is named twice" for name in sorted({n for n in names if names.count(n) > 1}))
    if not set(procedure.may_build) < set(procedure.outcomes):
        yield "may_build must name some of the outcomes, not all"
    if procedure.valid_to is not None and procedure.valid_to <= procedure.valid_from:
        yield "valid_to must lie after valid_from"
    if procedure.sites_max is not None and procedure.sites_max < procedure.sites_min:
        yield "sites_max lies below sites_min"
    for clock in procedure.clocks:
        yield from _clock_faults(clock)
    if not any(clock.ended_by == "decided" and clock.starts != "lapsed" for clock in procedure.clocks):
        yield "no clock ends with the decision"


def _clock_faults(clock: ClockRule) -> Iterable[str]:
    if _ORDER.index(clock.ended_by) <= _ORDER.index(clock.starts):
        yield f"clock {clock.name} has no effect: it ends with or before the act that starts it"
    caused = _CAUSED.get(clock.on_expiry)
    if caused is not None and _ORDER.index(caused) <= _ORDER.index(clock.starts):
        yield f"clock {clock.name} is a cycle: its expiry causes what starts it"
    if caused is not None and caused != clock.ended_by:
        yield f"clock {clock.name} would go on running after its own expiry"
    if clock.on_expiry == "lapsed" and not clock.of_applicant:
        yield f"clock {clock.name}: only the applicant's own time can lapse"
    if (clock.on_expiry == "deemed_agreed") != (clock.starts == "consulted") and clock.on_expiry != "overdue":
        yield f"clock {clock.name}: silence means agreement only for those who were consulted"
    if clock.extension is not None and clock.extension.unit != clock.unit:
        yield f"clock {clock.name} cannot be extended in another unit"


def faults_of(
    procedures: Sequence[Procedure], *, facts: Collection[str], functions: Collection[str], parts: Collection[str]
) -> list[str]:
    """What forbids publishing these versions together: holes, overlaps, unknown facts, functions and parts."""
    faults: list[str] = []
    for procedure in procedures:
        faults += _unknown(procedure, facts, functions, parts)
    for work in sorted({procedure.work for procedure in procedures}):
        faults += _validity_faults(work, [p for p in procedures if p.work == work])
    return faults


def _unknown(
    procedure: Procedure, facts: Collection[str], functions: Collection[str], parts: Collection[str]
) -> list[str]:
    conditions = [p.required_when for p in procedure.parts] + [a.when for a in procedure.agencies]
    conditions += [rule.when for rule in procedure.authority]
    used = {leaf.fact for condition in conditions for leaf in leaves(condition)}
    asked = {agency.function for agency in procedure.agencies} | {procedure.lead}
    asked |= {rule.function for rule in procedure.authority}
    label = procedure.label
    return [
        *(f"{label}: unknown fact {name}" for name in sorted(used - set(facts))),
        *(f"{label}: unknown function {name}" for name in sorted(asked - set(functions))),
        *(f"{label}: unknown part {name}" for name in sorted({p.code for p in procedure.parts} - set(parts))),
    ]


def _validity_faults(work: str, versions: Sequence[Procedure]) -> list[str]:
    """Newest version of each code counts; together they must cover time without hole or overlap."""
    newest: dict[str, Procedure] = {}
    for each in sorted(versions, key=lambda p: p.version):
        newest[each.code] = each
    ordered = sorted(newest.values(), key=lambda p: p.valid_from)
    faults = []
    for before, after in pairwise(ordered):
        if before.valid_to is None or before.valid_to > after.valid_from:
            faults.append(f"{work}: {before.label} and {after.label} overlap from {after.valid_from}")
        elif before.valid_to < after.valid_from:
            faults.append(f"{work}: nothing is valid from {before.valid_to} to {after.valid_from}")
    if ordered and ordered[-1].valid_to is not None:
        faults.append(f"{work}: nothing is valid from {ordered[-1].valid_to} on")
    return faults


def canonical(model: BaseModel) -> str:
    """Stored form: JSON, keys sorted, so that equal content has equal text and hash."""
    return json.dumps(model.model_dump(mode="json", by_alias=True), sort_keys=True, ensure_ascii=False)


def digest(model: BaseModel) -> str:
    return hashlib.sha256(canonical(model).encode()).hexdigest()


class Authority(NamedTuple):
    """Which function leads, and the leaves that decided it."""

    function: str
    source: str
    reasons: tuple[Reason, ...] = ()


def authority(procedure: Procedure, sites: Sequence[dict[str, Any]]) -> Authority:
    """By the first site: grade and place of the works applied for."""
    asked: tuple[Reason, ...] = ()
    for rule in procedure.authority:
        judged = judge(rule.when, sites[0] if sites else {})
        asked += judged.reasons
        if judged.holds:
            return Authority(rule.function, rule.source, judged.reasons)
    return Authority(procedure.lead, procedure.source, asked)


class RoutedAgency(Section):
    """Whether an agency is asked, and the leaves that decided it."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)
    function: str
    asked: bool
    source: str
    reasons: tuple[Reason, ...] = ()


def required_parts(procedure: Procedure, sites: Sequence[dict[str, Any]]) -> list[PartRule]:
    """A part is required when its condition holds for at least one site."""
    return [
        part
        for part in procedure.parts
        if not part.optional and any(judge(part.required_when, facts).holds for facts in sites)
    ]


def route(procedure: Procedure, sites: Sequence[dict[str, Any]]) -> list[RoutedAgency]:
    """Every agency of the procedure, asked or not, with the reason."""
    return [_routed(agency, [judge(agency.when, facts) for facts in sites]) for agency in procedure.agencies]


def _routed(agency: AgencyRule, judged: Sequence[Judgement]) -> RoutedAgency:
    decisive = next((j for j in judged if j.holds), judged[0] if judged else Judgement(False))
    return RoutedAgency(
        function=agency.function,
        asked=decisive.holds,
        source=agency.source,
        reasons=decisive.reasons,
    )
