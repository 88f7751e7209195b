"""Law being written: what is wrong with it, before anybody publishes it."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, ValidationError

from kernel.errors import N_, Fault
from services.permits.domain.calendar import Calendar, CalendarFile
from services.permits.domain.procedure import Procedure, faults_of

DraftKind = Literal["procedure", "calendar"]
MODELS: Mapping[str, type[BaseModel]] = {"procedure": Procedure, "calendar": CalendarFile}
BROKEN = N_("{fault}")
VERSION = N_("The next version of {name} is {version}.")
AREA = N_("This office keeps the calendar of area {area}.")
NUMBER = N_("The next calendar of this area is number {no}.")
LATE_START = N_("It must begin on {day} or earlier: running dossiers reach back so far.")
SHORT = N_("It must reach the end of {year} at least, so that no deadline of next year is unknown.")
SHORTER = N_("It must not end before the calendar in force, on {day}.")


def shape_faults(kind: str, body: Mapping[str, Any]) -> list[Fault]:
    """What no version may be: missing members, wrong types, cycles, repeated names."""
    try:
        MODELS[kind].model_validate(body)
    except ValidationError as error:
        return [
            Fault("/body/" + "/".join(str(p) for p in each["loc"]), each["type"], BROKEN, fault=_plain(each["msg"]))
            for each in error.errors()
        ]
    return []


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ")


def procedure_faults(
    draft: Procedure,
    published: Sequence[Procedure],
    *,
    facts: Collection[str],
    functions: Collection[str],
    parts: Collection[str],
    works: Collection[str],
) -> list[Fault]:
    """Beside the published versions: number, holes, overlaps, unknown codes."""
    faults = []
    last = max((each.version for each in published if each.code == draft.code), default=0)
    if draft.version != last + 1:
        faults.append(Fault("/body/version", "version", VERSION, name=draft.code, version=last + 1))
    if draft.work not in works:
        faults.append(Fault("/body/work", "broken", BROKEN, fault=f"unknown work {draft.work}"))
    told = faults_of([*published, draft], facts=facts, functions=functions, parts=parts)
    known = faults_of(published, facts=facts, functions=functions, parts=parts)
    return [*faults, *(Fault("/body", "broken", BROKEN, fault=fault) for fault in told if fault not in known)]


def calendar_faults(draft: CalendarFile, current: Calendar, area: str, today: date) -> list[Fault]:
    faults = []
    if draft.area != area:
        faults.append(Fault("/body/area", "area", AREA, area=area))
    if draft.no != current.no + 1:
        faults.append(Fault("/body/no", "number", NUMBER, no=current.no + 1))
    if draft.starts_on > current.starts_on:
        day = f"{current.starts_on:%d/%m/%Y}"
        faults.append(Fault("/body/starts_on", "late", LATE_START, day=day))
    if draft.ends_on < date(today.year + 1, 12, 31):
        faults.append(Fault("/body/ends_on", "short", SHORT, year=today.year + 1))
    elif draft.ends_on < current.ends_on:
        faults.append(Fault("/body/ends_on", "shorter", SHORTER, day=f"{current.ends_on:%d/%m/%Y}"))
    return faults
