"""A definition of the ratio as data: what is counted, who is a sharer, how many distinct ones make it shared."""

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from kernel.texts import STORABLE, Day
from services.sharing.domain.predicate import Leaf, Predicate, facts_of, leaves

Role = Literal["owner", "tenant", "operator"]
STRUCTURE_FACTS = frozenset({"status", "code_system", "code", "capacity", "evidence"})
SHARER_FACTS = frozenset({"status", "kind", "evidence", "organisation_kind"})


class Shipped(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


Text = Annotated[str, StringConstraints(min_length=1, max_length=2000), STORABLE]
Code = Annotated[str, StringConstraints(min_length=1, max_length=60, pattern=r"^[^\x00-\x1f\x7f]+$")]
# What a comparison of size makes sense for; all others are words.
NUMBERS = frozenset({"capacity", "evidence"})


class Words(Shipped):
    vi: Annotated[str, StringConstraints(max_length=2000), STORABLE]
    en: Annotated[str, StringConstraints(max_length=2000), STORABLE]


class Sharer(Shipped):
    """`owner` speaks of the structure's owner, `tenant` of an agreement, `operator` of a station."""

    role: Role
    when: Predicate | None = None


class Definition(Shipped):
    """Published once and never changed. `unit` keeps a series of pieces from being mixed with one of kilometres."""

    code: Code
    version: int = Field(ge=1, le=9999)
    kind: Literal["mast", "pole", "duct"]
    default: bool = False
    valid_from: Day
    valid_to: Day | None = None
    unit: Literal["piece"] = "piece"
    title: Words
    note: Words
    source: Text
    minimum: int = Field(ge=2, le=20)
    counted: Predicate
    sharers: list[Sharer] = Field(min_length=1, max_length=20)

    @property
    def id(self) -> str:
        return f"{self.code}.{self.version}"

    @model_validator(mode="after")
    def _known_facts(self) -> "Definition":
        unknown = set(facts_of(self.counted)) - STRUCTURE_FACTS
        for sharer in self.sharers:
            unknown |= set(facts_of(sharer.when)) - SHARER_FACTS
        if unknown:
            raise ValueError(f"unknown facts {sorted(unknown)} in {self.code}.{self.version}")
        for leaf in (leaf for rule in (self.counted, *(s.when for s in self.sharers)) for leaf in leaves(rule)):
            if not _makes_sense(leaf):
                raise ValueError(f"{leaf.fact} {leaf.op} {leaf.value!r} cannot be compared")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError(f"{self.code}.{self.version} is never valid")
        return self


def _makes_sense(leaf: Leaf) -> bool:
    values = leaf.value if isinstance(leaf.value, list) else [leaf.value]
    if isinstance(leaf.value, list) != (leaf.op == "in"):
        return False
    if leaf.fact in NUMBERS:
        return all(isinstance(value, int) and not isinstance(value, bool) for value in values)
    return leaf.op in ("==", "!=", "in") and all(isinstance(value, str) for value in values)


class DefaultsCollide(ValueError):
    """Of two defaults of different names that begin on one day nobody could say which holds."""


def check_defaults(definitions: Iterable[Definition]) -> None:
    """A default holds until a later one of its kind begins, or a higher version of its own. Raises DefaultsCollide."""
    begun: dict[tuple[str, date], str] = {}
    for one in definitions:
        if one.default and (other := begun.setdefault((one.kind, one.valid_from), one.code)) != one.code:
            raise DefaultsCollide(f"{other} and {one.code} are both the default from {one.valid_from} on")


class Target(Shipped):
    """`percent` is exact, as text; a base is what was measured at `due_on`, not something to reach."""

    kind: Literal["mast", "pole", "duct"]
    due_on: Day
    percent: Annotated[str, StringConstraints(max_length=20)]
    is_base: bool = False


class Plan(Shipped):
    """`boundary_set`: the borders within which the plan meant its targets."""

    code: Code
    title: Words
    source: Text
    boundary_set: Code
    targets: list[Target] = Field(min_length=1, max_length=500)


class AgreementKind(Shipped):
    code: str
    title: Words
    source: str


class AgreementKinds(Shipped):
    kinds: list[AgreementKind]


class BoundarySet(Shipped):
    """`reported`: the province reports by it while it is valid; others can be asked for by name."""

    code: str
    title: Words
    valid_from: date | None = None
    valid_to: date | None = None
    reported: bool = False


class BoundarySets(Shipped):
    boundary_sets: list[BoundarySet]
