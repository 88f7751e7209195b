"""The main job by API through all processes, in both regimes, with the plan's own figures at each step."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from infra.local.main_job import People, everybody, file_dossier, mast_with, review_and_decide
from infra.local.visitor import wait_for
from tests.fixtures.product import Launched

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def people(product: Launched) -> People:
    return everybody(product.url, product.issuer)


@pytest.fixture
def in_2025(clock_file: Path) -> Iterator[date]:
    # An offset, not an instant: time goes on, so that what was recorded a moment ago is known now.
    away = datetime(2025, 11, 3, 2, 0, tzinfo=UTC) - datetime.now(UTC)
    clock_file.write_text(f"{away.total_seconds():+.0f}")
    yield date(2025, 11, 3)
    clock_file.write_text("")


def figure(people: People, **query: str) -> tuple[int, int, str]:
    ratio = people.auditor.get("/api/sharing/v1/ratios", kind="mast", **query)
    return ratio["shared"], ratio["counted"], ratio["percent"]


def reach(people: People, shared: int, counted: int, percent: str) -> None:
    wait_for(lambda: figure(people) == (shared, counted, percent), f"{shared}/{counted} = {percent} %")


def main_job(people: People, today: date, **site: object) -> tuple[str, str]:
    """Plays it and gives the structure's id and the decision's outcome; the figures before are 155/1320."""
    parts = {"application_form": "Don de nghi"} if today < date(2026, 1, 1) else {}
    reach(people, 155, 1320, "11.74")
    dossier = file_dossier(people.operator, parts, **site)
    assert dossier["received_on"] == today.isoformat()
    structure = dossier["sites"][0]["structure_id"]
    review_and_decide(people, dossier["id"])
    mast_with(people, structure, "permitted")
    assert figure(people) == (155, 1320, "11.74"), "a mast that is only permitted changes nothing"
    notices = f"/api/permits/v1/applications/{dossier['id']}/notices"
    people.operator.post(notices, {"kind": "commencement", "on": today.isoformat()})
    mast_with(people, structure, "under_construction")
    people.operator.post(notices, {"kind": "completion", "on": today.isoformat()})
    mast_with(people, structure, "in_service")
    reach(people, 155, 1321, "11.73")
    agreement = {"structure_id": structure, "tenant": "VNPT", "kind": "lease", "valid_from": today.isoformat()}
    people.operator.post("/api/sharing/v1/agreements", agreement)
    reach(people, 156, 1321, "11.81")
    numerator = people.auditor.get("/api/sharing/v1/ratios/structures", kind="mast", side="numerator", limit=500)
    assert structure in {row["id"] for row in numerator["items"]}
    return structure, people.lead.get(f"/api/permits/v1/applications/{dossier['id']}")["decision"]["outcome"]


def test_a_permit_of_2025_under_the_test_clock(people: People, in_2025: date):
    structure, outcome = main_job(people, in_2025, name="Cột 2025", lon=105.1611, lat=9.1904)
    assert outcome == "granted"
    the_day_before = people.auditor.http.get(f"/api/registry/v1/masts/{structure}", params={"as_of": "2025-11-02"})
    assert the_day_before.status_code == 404
