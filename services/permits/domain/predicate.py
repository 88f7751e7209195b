"""Conditions over the facts of a site: a closed tree, evaluated with a reason for each leaf."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Scalar = bool | int | float | str
Op = Literal["==", "!=", "<", "<=", ">", ">=", "in", "within"]
Facts = Mapping[str, Any]


class Node(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Leaf(Node):
    """`in`: one of the listed values; `within`: from the first to the second, both included."""

    fact: str
    op: Op
    value: Scalar | list[Scalar]


class Every(Node):
    all: list["Predicate"] = Field(min_length=1)


class Either(Node):
    any: list["Predicate"] = Field(min_length=1)


class Not(Node):
    negated: "Predicate" = Field(alias="not")
    model_config = ConfigDict(extra="forbid", frozen=True, serialize_by_alias=True)


Predicate = Annotated[Leaf | Every | Either | Not, Field(union_mode="left_to_right")]
for _node in (Every, Either, Not):
    _node.model_rebuild()


@dataclass(frozen=True)
class Reason:
    """One leaf as it was judged: what the rule asks, what the dossier says, whether that holds."""

    fact: str
    op: str
    value: Any
    given: Any
    holds: bool


@dataclass(frozen=True)
class Judgement:
    holds: bool
    reasons: tuple[Reason, ...] = ()


def judge(predicate: Predicate | None, facts: Facts) -> Judgement:
    """No predicate always holds. A fact that is absent makes its leaf false, whatever the operator."""
    if predicate is None:
        return Judgement(True)
    if isinstance(predicate, Leaf):
        holds = _leaf_holds(predicate, facts.get(predicate.fact))
        reason = Reason(predicate.fact, predicate.op, predicate.value, facts.get(predicate.fact), holds)
        return Judgement(holds, (reason,))
    if isinstance(predicate, Not):
        inner = judge(predicate.negated, facts)
        return Judgement(not inner.holds, inner.reasons)
    members = predicate.all if isinstance(predicate, Every) else predicate.any
    judged = [judge(member, facts) for member in members]
    holds = all(j.holds for j in judged) if isinstance(predicate, Every) else any(j.holds for j in judged)
    return Judgement(holds, tuple(reason for j in judged for reason in j.reasons))


def leaves(predicate: Predicate | None) -> Iterator[Leaf]:
    if isinstance(predicate, Leaf):
        yield predicate
    elif isinstance(predicate, Not):
        yield from leaves(predicate.negated)
    elif predicate is not None:
        for member in predicate.all if isinstance(predicate, Every) else predicate.any:
            yield from leaves(member)


def _leaf_holds(leaf: Leaf, given: Any) -> bool:
    if given is None:
        return False
    if leaf.op == "==":
        return _same(given, leaf.value)
    if leaf.op == "!=":
        return not _same(given, leaf.value)
    if leaf.op == "in":
        return isinstance(leaf.value, list) and any(_same(given, each) for each in leaf.value)
    return _ordered(leaf.op, given, leaf.value)


def _same(given: Any, value: Any) -> bool:
    if isinstance(given, bool) or isinstance(value, bool):
        return given is value
    left, right = _number(given), _number(value)
    return left == right if left is not None and right is not None else bool(given == value)


def _ordered(op: str, given: Any, value: Any) -> bool:
    number = _number(given)
    if number is None:
        return False
    if op == "within":
        low, high = (_number(each) for each in value)
        return low is not None and high is not None and low <= number <= high
    limit = _number(value)
    if limit is None:
        return False
    return {"<": number < limit, "<=": number <= limit, ">": number > limit, ">=": number >= limit}[op]


def _number(value: Any) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        return Decimal(str(value))
    except InvalidOperation:
        return None
