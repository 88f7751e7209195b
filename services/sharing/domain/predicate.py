"""Conditions of a definition over the facts of a structure or of a sharer: a closed tree, no code."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from kernel.texts import STORABLE

Scalar = bool | Annotated[int, Field(ge=-(10**9), le=10**9)] | Annotated[str, Field(max_length=200), STORABLE]
Facts = Mapping[str, Any]


class Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Leaf(Node):
    fact: Annotated[str, Field(max_length=100), STORABLE]
    op: Literal["==", "!=", "<", "<=", ">", ">=", "in"]
    value: Scalar | Annotated[list[Scalar], Field(max_length=200)]


class Every(Node):
    all: list["Predicate"] = Field(min_length=1, max_length=50)


class Either(Node):
    any: list["Predicate"] = Field(min_length=1, max_length=50)


class Not(Node):
    negated: "Predicate" = Field(alias="not")
    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


Predicate = Annotated[Leaf | Every | Either | Not, Field(union_mode="left_to_right")]
for _node in (Every, Either, Not):
    _node.model_rebuild()


def holds(predicate: Predicate | None, facts: Facts, *, ignoring: frozenset[str] = frozenset()) -> bool:
    """No predicate always holds; a fact that is absent makes its leaf false. Leaves on `ignoring` count as true."""
    if predicate is None:
        return True
    if isinstance(predicate, Leaf):
        return predicate.fact in ignoring or _leaf_holds(predicate, facts.get(predicate.fact))
    if isinstance(predicate, Not):
        return not holds(predicate.negated, facts)
    if isinstance(predicate, Every):
        return all(holds(member, facts, ignoring=ignoring) for member in predicate.all)
    return any(holds(member, facts, ignoring=ignoring) for member in predicate.any)


def failing(predicate: Predicate | None, facts: Facts) -> str | None:
    """The first fact that keeps the condition from holding, for the reason shown; None when it holds."""
    if predicate is None or holds(predicate, facts):
        return None
    if isinstance(predicate, Leaf):
        return predicate.fact
    if isinstance(predicate, Not):
        return first_fact(predicate.negated)
    members = predicate.all if isinstance(predicate, Every) else predicate.any
    return next(found for found in (failing(member, facts) for member in members) if found is not None)


def first_fact(predicate: Predicate) -> str:
    return next(iter(facts_of(predicate)))


def leaves(predicate: Predicate | None) -> Iterator[Leaf]:
    match predicate:
        case Leaf():
            yield predicate
        case Every(all=members) | Either(any=members):
            for member in members:
                yield from leaves(member)
        case Not(negated=inner):
            yield from leaves(inner)


def facts_of(predicate: Predicate | None) -> list[str]:
    return [leaf.fact for leaf in leaves(predicate)]


def _leaf_holds(leaf: Leaf, given: Any) -> bool:
    if given is None:
        return False
    if leaf.op == "in":
        return isinstance(leaf.value, list) and given in leaf.value
    if leaf.op == "==":
        return bool(given == leaf.value)
    if leaf.op == "!=":
        return bool(given != leaf.value)
    if isinstance(given, str) or not isinstance(leaf.value, int):
        return False
    below, above = int(given) < leaf.value, int(given) > leaf.value
    return {"<": below, "<=": not above, ">": above, ">=": not below}[leaf.op]
