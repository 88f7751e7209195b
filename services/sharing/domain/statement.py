"""A sealed statement: a figure with everything it stands on, in the words that are hashed and signed."""

import hashlib
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from kernel.seals import canonical, digest

FORM = "hatang.sharing.statement.1"
SIDES = ("numerator", "denominator", "excluded")


class Line(NamedTuple):
    """The verdict on one structure. `sharers`: legal entity, organisation, role and thing of each; `unit` may be ""."""

    structure_id: str
    public_no: str
    owner: str
    unit: str
    counted: bool
    shared: bool
    reason: str
    sharers: tuple[tuple[str, str, str, str], ...]

    def is_on(self, side: str) -> bool:
        return {"numerator": self.shared, "denominator": self.counted, "excluded": not self.counted}[side]


class Tally:
    """Counts and hashes lines as they come, by the order of the structures' ids, without keeping them."""

    def __init__(self) -> None:
        self._hashes = {side: hashlib.sha256() for side in SIDES}
        self._counts = dict.fromkeys(SIDES, 0)

    def add(self, line: Line) -> None:
        written = canonical({"line": line}) + b"\n"
        for side in SIDES:
            if line.is_on(side):
                self._hashes[side].update(written)
                self._counts[side] += 1

    @property
    def shared(self) -> int:
        return self._counts["numerator"]

    @property
    def counted(self) -> int:
        return self._counts["denominator"]

    def lists(self) -> dict[str, dict[str, Any]]:
        return {side: {"count": self._counts[side], "sha256": self._hashes[side].hexdigest()} for side in SIDES}


def tallied(lines: Iterable[Line]) -> Tally:
    tally = Tally()
    for line in lines:
        tally.add(line)
    return tally


def sha256_of(content: Mapping[str, Any]) -> str:
    return digest(content)


class Difference(NamedTuple):
    """What the history says now of a structure, and what was sealed; None where it is not there at all."""

    structure_id: str
    public_no: str
    sealed: Line | None
    now: Line | None


def differences(sealed: Mapping[str, Line], now: Mapping[str, Line]) -> list[Difference]:
    """By number. Both by structure id."""
    found = []
    for key in sealed.keys() | now.keys():
        before, after = sealed.get(key), now.get(key)
        if before != after:
            either = before or after
            assert either is not None
            found.append(Difference(key, either.public_no, before, after))
    return sorted(found, key=lambda one: (one.public_no, one.structure_id))
