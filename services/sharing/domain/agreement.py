"""An agreement as a two-time thing: what its changes say, and what stands against recording one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from kernel.history import Change, Version, live

IN_FORCE = "in_force"
ENDED = "ended"
TERMINATED = "terminated"


@dataclass(frozen=True)
class Terms:
    """What the parties state. `valid_to` is the first day on which it no longer holds; None: no end agreed."""

    kind: str
    valid_from: date
    valid_to: date | None = None
    number: str = ""
    document_sha256: str = ""
    evidence: int = 1

    def patch(self) -> dict[str, Any]:
        return {
            "status": IN_FORCE,
            "kind": self.kind,
            "number": self.number,
            "document_sha256": self.document_sha256,
        }


@dataclass(frozen=True)
class Period:
    agreement_id: UUID
    valid_from: date
    valid_to: date | None


def status(version: Version) -> str:
    """A day that no statement speaks of any more lies behind the agreed end."""
    return str(version.values.get("status", ENDED))


def in_force(versions: Sequence[Version]) -> list[tuple[date, date | None]]:
    """The days on which the agreement is in force, neighbouring periods joined."""
    periods: list[tuple[date, date | None]] = []
    for version in versions:
        if status(version) != IN_FORCE:
            continue
        if periods and periods[-1][1] == version.valid_from:
            periods[-1] = (periods[-1][0], version.valid_to)
        else:
            periods.append((version.valid_from, version.valid_to))
    return periods


def overlapping(others: Sequence[Period], valid_from: date, valid_to: date | None) -> Period | None:
    """The first of `others` that shares a day with the half-open period given."""
    return next(
        (
            other
            for other in others
            if (valid_to is None or other.valid_from < valid_to)
            and (other.valid_to is None or valid_from < other.valid_to)
        ),
        None,
    )


def value_on(versions: Sequence[Version], day: date, name: str) -> Any:
    """The value of one attribute on a day, or None where nothing is believed of that day."""
    for version in versions:
        if version.valid_from <= day and (version.valid_to is None or day < version.valid_to):
            return version.values.get(name)
    return None


def correctable(changes: Sequence[Change]) -> list[Change]:
    """Those that still speak and say something; an undo has nothing left to correct."""
    return [change for change in live(changes) if change.patch]
