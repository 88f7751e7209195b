"""Conditions of an opinion and of a decision: what they must say, and where those of several departments meet."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from itertools import combinations
from typing import Any, Literal, NamedTuple

from kernel.errors import N_, Fault
from kernel.texts import fold
from services.permits.domain.refusals import DossierFaulty, WrongConditionState

KIND = N_("This kind of condition is not known.")
SUBJECT = N_("This subject is not known.")
VALUE = N_("Give the value that the subject is held to.")
NUMBER = N_("Give a number of at most ten digits.")
CHOICE = N_("This subject does not take this value.")
VERIFIER = N_("Name a function that is asked about this dossier.")
PAST_DUE = N_("The day must lie after today.")
CONTRARY = N_("This contradicts condition {other}: no one can meet both.")
_MOST_DIGITS = 10


@dataclass(frozen=True)
class Condition:
    """`of`: the functions that asked for it; `subject` and `value` make it comparable; `verifier` judges it."""

    text: str
    due_on: date | None = None
    kind: str = ""
    subject: str = ""
    value: str = ""
    evidence: str = ""
    verifier: str = ""
    of: tuple[str, ...] = ()

    def kept(self) -> dict[str, Any]:
        return {
            "text": self.text,
            "due_on": self.due_on.isoformat() if self.due_on else None,
            "kind": self.kind or None,
            "subject": self.subject or None,
            "value": self.value or None,
            "evidence": self.evidence or None,
            "verifier": self.verifier or None,
            "of": list(self.of),
        }


def read_condition(kept: Mapping[str, Any]) -> Condition:
    due_on = date.fromisoformat(kept["due_on"]) if kept["due_on"] else None
    said = {name: kept.get(name) or "" for name in ("kind", "subject", "value", "evidence", "verifier")}
    return Condition(kept["text"], due_on, **said, of=tuple(kept.get("of") or ()))


@dataclass(frozen=True)
class Subject:
    """What a value binds: `upper` at most, `lower` at least, `exact` this and nothing else."""

    quantity: str
    bound: Literal["upper", "lower", "exact"]
    choices: Collection[str] = ()


@dataclass(frozen=True)
class ConditionBook:
    """The lists a condition is written in, and who may be its verifier."""

    kinds: Collection[str] = ()
    subjects: Mapping[str, Subject] = field(default_factory=dict)
    verifiers: Collection[str] = ()

    @classmethod
    def of(cls, lists: Mapping[str, Mapping[str, Mapping[str, Any]]], verifiers: Collection[str]) -> "ConditionBook":
        subjects = {
            code: Subject(said["quantity"], said["bound"], said.get("choices", ()))
            for code, said in lists["condition_subject"].items()
        }
        return cls(lists["condition_kind"].keys(), subjects, verifiers)


def condition_faults(conditions: Sequence[Condition], book: ConditionBook, today: date) -> list[Fault]:
    """Everything that is wrong with them, each with its pointer."""
    faults: list[Fault] = []
    for place, each in enumerate(conditions):
        at = f"/conditions/{place}"
        if each.kind and each.kind not in book.kinds:
            faults.append(Fault(f"{at}/kind", "kind_unknown", KIND))
        if each.verifier and each.verifier not in book.verifiers:
            faults.append(Fault(f"{at}/verifier", "verifier_unknown", VERIFIER))
        if each.due_on is not None and each.due_on <= today:
            faults.append(Fault(f"{at}/due_on", "past", PAST_DUE))
        if each.subject:
            faults += _subject_faults(at, each, book.subjects.get(each.subject))
    return faults


def _subject_faults(at: str, condition: Condition, subject: Subject | None) -> list[Fault]:
    if subject is None:
        return [Fault(f"{at}/subject", "subject_unknown", SUBJECT)]
    if not condition.value:
        return [Fault(f"{at}/value", "missing", VALUE)]
    if subject.bound != "exact":
        return [] if _number(condition.value) is not None else [Fault(f"{at}/value", "number", NUMBER)]
    if subject.choices and condition.value not in subject.choices:
        return [Fault(f"{at}/value", "choice", CHOICE)]
    return []


def _number(text: str) -> Decimal | None:
    try:
        value = Decimal(text.replace(",", "."))
    except InvalidOperation:
        return None
    return value if value.is_finite() and len(value.as_tuple().digits) <= _MOST_DIGITS and abs(value) < 10**10 else None


class Finding(NamedTuple):
    """Two conditions that meet: `same` says nothing new, `stricter` (the second covers the first), `contrary`."""

    kind: Literal["same", "stricter", "contrary"]
    first: int
    second: int


def compare(conditions: Sequence[Condition], book: ConditionBook) -> list[Finding]:
    """Every pair that meets, by place. Of `stricter` the second place is the stricter one."""
    found = []
    for first, second in combinations(range(len(conditions)), 2):
        kind = _meeting(conditions[first], conditions[second], book)
        if kind == "looser":
            found.append(Finding("stricter", second, first))
        elif kind is not None:
            found.append(Finding(kind, first, second))
    return found


_Met = Literal["same", "stricter", "looser", "contrary"]


def _meeting(first: Condition, second: Condition, book: ConditionBook) -> _Met | None:
    """What `second` is to `first`."""
    one, other = book.subjects.get(first.subject), book.subjects.get(second.subject)
    if one is None or other is None:
        same = one is other and bool(fold(first.text)) and fold(first.text) == fold(second.text)
        return "same" if same else None
    if one.quantity != other.quantity:
        return None
    if one.bound == other.bound == "exact":
        return "same" if fold(first.value) == fold(second.value) else "contrary"
    low, high = _number(first.value), _number(second.value)
    if low is None or high is None:
        return None
    if one.bound == other.bound:
        return _tighter(low, high, one.bound)
    return "contrary" if not _possible([(one.bound, low), (other.bound, high)]) else None


def _tighter(first: Decimal, second: Decimal, bound: str) -> _Met:
    if first == second:
        return "same"
    return "stricter" if (second < first) == (bound == "upper") else "looser"


def _possible(bounds: Sequence[tuple[str, Decimal]]) -> bool:
    least = [value for bound, value in bounds if bound in ("lower", "exact")]
    most = [value for bound, value in bounds if bound in ("upper", "exact")]
    return not least or not most or max(least) <= min(most)


def merged(conditions: Sequence[Condition], book: ConditionBook) -> list[Condition]:
    """For the decision: what says nothing new is left out, whoever asked for it is named; contradictions stay."""
    findings = compare(conditions, book)
    covered: dict[int, int] = {}
    for kind, first, second in findings:
        if kind == "same":
            covered.setdefault(second, first)
        elif kind == "stricter":
            covered[first] = second
    asked: dict[int, list[str]] = {}
    for place, each in enumerate(conditions):
        held = asked.setdefault(_holder(place, covered), [])
        held += [function for function in each.of if function not in held]
    return [
        Condition(
            each.text, each.due_on, each.kind, each.subject, each.value, each.evidence, each.verifier, tuple(asked[at])
        )
        for at, each in enumerate(conditions)
        if at not in covered
    ]


def _holder(place: int, covered: Mapping[int, int]) -> int:
    seen = set()
    while place in covered and place not in seen:
        seen.add(place)
        place = covered[place]
    return place


def contradictions(conditions: Sequence[Condition], book: ConditionBook) -> list[Fault]:
    return [
        Fault(f"/conditions/{second}", "contrary", CONTRARY, other=first + 1)
        for kind, first, second in compare(conditions, book)
        if kind == "contrary"
    ]


ConditionAct = Literal["submit", "meet", "reject", "waive"]
_MOVES: Mapping[str, tuple[Collection[str], str]] = {
    "submit": (("open", "rejected", "submitted"), "submitted"),
    "meet": (("open", "submitted", "rejected"), "met"),
    "reject": (("submitted",), "rejected"),
    "waive": (("open", "submitted", "rejected"), "waived"),
}
EVIDENCE = N_("Send a file, or say how the condition is met.")
REMARK = N_("Say why.")


def next_condition_state(state: str, act: ConditionAct, remark: str, *, file: bool = False) -> str:
    """Raises WrongConditionState (409), DossierFaulty (422): evidence shows or says something, a refusal says why."""
    origins, target = _MOVES[act]
    if state not in origins:
        raise WrongConditionState
    if act == "submit" and not file and not remark.strip():
        raise DossierFaulty(errors=[Fault("/remark", "missing", EVIDENCE)])
    if act in ("reject", "waive") and not remark.strip():
        raise DossierFaulty(errors=[Fault("/remark", "missing", REMARK)])
    return target
