"""An import's life, and what a row of it means for a structure that is known already."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, Literal, NamedTuple

from kernel.errors import N_, Conflict, Fault, Invalid, NotFound
from kernel.history import Change, Version
from services.registry.domain.structure import state_on

State = Literal["received", "read", "checking", "checked", "running", "done", "cancelled", "failed"]
# What is to become of a row that names a structure we have, and differs.
OnDuplicate = Literal["skip", "replace", "new_version"]
Plan = Literal["new", "near", "replace", "new_version", "skip", "unchanged", "refused", "ignored"]
RECEIVED, READ, CHECKING, CHECKED, RUNNING, DONE, CANCELLED, FAILED = (
    "received", "read", "checking", "checked", "running", "done", "cancelled", "failed",
)  # fmt: skip
WORKING = (RECEIVED, CHECKING, RUNNING)
ENDED = (DONE, CANCELLED, FAILED)
NEW, NEAR, REPLACE, NEW_VERSION, SKIP, UNCHANGED, REFUSED, IGNORED = (
    "new", "near", "replace", "new_version", "skip", "unchanged", "refused", "ignored",
)  # fmt: skip
WRITES = (NEW, REPLACE, NEW_VERSION)
# What next may be asked of an import in a state.
_MOVES: Mapping[str, frozenset[str]] = {
    "set_up": frozenset({READ, CHECKED}),
    "decide": frozenset({CHECKED}),
    "start": frozenset({CHECKED}),
    "cancel": frozenset({RECEIVED, READ, CHECKING, CHECKED, RUNNING}),
}


class ImportNotFound(NotFound):
    detail = N_("There is no such import, or you may not see it.")


class WrongImportState(Conflict):
    detail = N_("This import is {state}; that cannot be done now.")


class ImportHasFaults(Conflict):
    detail = N_("{count} rows have faults. Mend the file, or say that they are to be left out.")


class NearDuplicatesUndecided(Conflict):
    detail = N_("{count} rows may be structures that are known already. Decide each, or say what holds for the rest.")


class NothingToImport(Conflict):
    detail = N_("No row of this file would change anything.")


class SettingsRefused(Invalid):
    detail = N_("These columns cannot be read so.")


def check_move(act: str, state: str) -> None:
    """Raises WrongImportState (409)."""
    if state not in _MOVES[act]:
        raise WrongImportState(state=state)


def may(act: str, state: str) -> bool:
    return state in _MOVES[act]


def business_key(public_no: str | None, owner: str | None, name: str | None) -> str | None:
    """By what two rows are the same structure: its public number, else the owner's own designation."""
    if public_no:
        return f"no:{public_no}"
    return f"own:{owner}\x1f{name}" if owner and name else None


class Difference(NamedTuple):
    """What a row says otherwise than is believed of `day`; empty when it says nothing new."""

    day: date
    patch: dict[str, Any]
    version: Version


def difference(versions: Sequence[Version], patch: Mapping[str, Any], valid_from: date) -> Difference | None:
    """Against the belief of the row's day, or of the first day when it speaks of earlier ones."""
    if not versions:
        return None
    held = state_on(tuple(versions), valid_from) or versions[0]
    day = max(valid_from, held.valid_from)
    return Difference(day, {n: v for n, v in patch.items() if held.values.get(n) != v}, held)


class Said(NamedTuple):
    """A statement to come: a correction of `corrects`, or a change from `valid_from` on."""

    act: str
    valid_from: date
    valid_to: date | None
    patch: dict[str, Any]
    corrects: Change | None = None


def replacing(changes: Sequence[Change], found: Difference) -> list[Said]:
    """We had it wrong: each change that said a value is corrected; what nobody said, the registration should have."""
    by_no = {change.no: change for change in changes}
    first = by_no[min(found.version.sources.values())]
    sources: dict[int, dict[str, Any]] = {}
    for name, value in found.patch.items():
        sources.setdefault(found.version.sources.get(name, first.no), {})[name] = value
    corrected = ((by_no[no], patch) for no, patch in sorted(sources.items()))
    return [
        Said("correct", one.valid_from, one.valid_to, {**one.patch, **patch}, corrects=one) for one, patch in corrected
    ]


def succeeding(found: Difference) -> list[Said]:
    """It became so: a status moves apart from the other facts, as everywhere."""
    status = {"status": found.patch["status"]} if "status" in found.patch else {}
    facts = {name: value for name, value in found.patch.items() if name != "status"}
    said = [Said("change_status", found.day, None, status)] if status else []
    return [*said, Said("change", found.day, None, facts)] if facts else said


def fault_told(fault: Mapping[str, Any], say: Callable[[str], str]) -> dict[str, str]:
    """A fault as it was kept, in the reader's words; the pointer's last part is the column."""
    detail = say(fault["detail"]).format(**fault["params"])
    return {"pointer": fault["pointer"], "code": fault["code"], "detail": detail}


def line_told(item: Mapping[str, Any], say: Callable[[str], str]) -> dict[str, Any]:
    """A line of the list of faults: the row, the column, the code and how to mend it."""
    return {
        "row": item["row"],
        "column": item["column"].rpartition("/")[2],
        "code": item["code"],
        "detail": say(item["detail"]).format(**item["params"]),
        "ignored": item["ignored"],
    }


def fault_said(fault: Fault) -> dict[str, Any]:
    """A fault as it is kept beside its row: the words are found when it is shown."""
    return {
        "pointer": fault.pointer,
        "code": fault.code,
        "detail": fault.detail,
        "params": {
            name: value if isinstance(value, int | float) else str(value) for name, value in fault.params.items()
        },
    }
