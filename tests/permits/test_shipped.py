"""Every shipped procedure against its cases, which are data: who leads, who is asked, which parts, which days."""

import tomllib
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from services.permits.commands.publish import SHIPPED, read_procedure
from services.permits.domain.application import SiteDraft, facts_of
from services.permits.domain.calendar import Calendar, CalendarFile
from services.permits.domain.facts import FactBook
from services.permits.domain.procedure import Procedure, authority, required_parts, route
from services.permits.domain.simulation import Played, Simulated, simulate

pytestmark = pytest.mark.unit
CASES = tomllib.loads((Path(__file__).parent / "shipped" / "cases.toml").read_text())["case"]
PROCEDURES = {each.label: each for each in map(read_procedure, (SHIPPED / "procedures").glob("*.toml"))}


def _lists() -> dict[str, dict[str, dict[str, Any]]]:
    found = [tomllib.loads(path.read_text()) for path in (SHIPPED / "lists").glob("*.toml")]
    return {one["list"]: {entry["code"]: entry for entry in one["entries"]} for one in found}


def _calendar() -> Calendar:
    file = CalendarFile.model_validate(tomllib.loads((SHIPPED / "calendars" / "96.1.toml").read_text()))
    made = file.model_dump(exclude={"days", "source"})
    return Calendar(id=None, days=file.days, **made)  # type: ignore[arg-type]


BOOK, CALENDAR = FactBook.of(_lists()), _calendar()


def _sites(case: dict[str, Any]) -> list[SiteDraft]:
    own = dict(case["site"])
    kind, height = own.pop("kind", "mast"), Decimal(str(own.pop("height_m")))
    one = SiteDraft(kind=kind, lon=105.15, lat=9.17, commune="32002@2025", height_m=height, facts=own)
    return [one] * case.get("sites", 1)


def _played(case: dict[str, Any], procedure: Procedure, functions: list[str]) -> Simulated:
    acts = []
    for act, at, *more in case["acts"]:
        words = {"days" if isinstance(more[0], int) else "function": more[0]} if more else {}
        acts.append(Played(act, datetime.fromisoformat(at), **words))
    until = date.fromisoformat(case["until"]) if "until" in case else None
    received = datetime.fromisoformat(case["received_at"])
    return simulate(procedure, CALENDAR, received, acts, functions=functions, until=until)


@pytest.mark.parametrize("case", CASES, ids=[f"{case['procedure']}: {case['about']}" for case in CASES])
def test_a_case(case: dict[str, Any]) -> None:
    procedure, sites = PROCEDURES[case["procedure"]], _sites(case)
    facts = facts_of(sites, BOOK)
    assert procedure.work == case["work"]
    assert procedure.valid_from <= datetime.fromisoformat(case["received_at"]).date()
    assert authority(procedure, facts).function == case["lead"]
    asked = [agency.function for agency in route(procedure, facts) if agency.asked]
    assert asked == case["asked"]
    assert [part.code for part in required_parts(procedure, facts)] == case["parts"]
    assert procedure.sites_min <= len(sites) <= (procedure.sites_max or len(sites))
    played = _played(case, procedure, asked)
    if "happened" in case:
        assert [each.act for each in played.happened] == case["happened"]
    for name, day in case["due"].items():
        clock, _, function = name.partition("/")
        owner = next((id for id, asked_of in played.functions.items() if asked_of == function), None)
        due_on = played.readings[clock, owner].due_on
        assert (due_on.isoformat() if due_on else "") == day, name


def test_every_shipped_version_has_a_case() -> None:
    assert {case["procedure"] for case in CASES} == set(PROCEDURES)
