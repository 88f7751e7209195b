"""Where a figure is going: what is missing, what is under way, which structures close the gap, what if."""

from datetime import date
from fractions import Fraction
from itertools import combinations
from uuid import UUID, uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.sharing import data
from services.sharing.domain import forecast as rules
from services.sharing.domain.forecast import FULL, Candidate, Pace, Standing, UnderWay
from tests.fixtures.service import RolledBack
from tests.sharing.conftest import VIETTEL, Province
from tests.sharing.conftest import VNPT as VNPT_OWNER

API = "/api/sharing/v1"
WEIGHTS = data.forecasting().weights
People = dict[str, dict[str, str]]


# Rules


@pytest.mark.unit
@given(
    st.integers(0, 50),
    st.integers(50, 200),
    st.lists(st.builds(UnderWay, st.sampled_from(sorted(WEIGHTS)), st.booleans()), max_size=20),
)
def test_what_is_expected_lies_between_its_bounds(shared: int, counted: int, ways: list[UnderWay]) -> None:
    told = rules.expected(shared, counted, ways, WEIGHTS)
    assert told.percent is not None
    assert told.low is not None
    assert told.high is not None
    assert told.low <= told.percent <= told.high
    assert counted <= told.counted <= counted + len(ways)
    if not ways:
        assert told.percent == Fraction(100 * shared, counted)


@pytest.mark.unit
@given(
    st.lists(st.builds(Candidate, st.uuids(), st.sampled_from("ABCD"), st.integers(0, FULL)), max_size=12,
             unique_by=lambda one: one.id),
    st.integers(0, 14),
)  # fmt: skip
def test_the_smallest_set_is_as_small_as_can_be(candidates: list[Candidate], gap: int) -> None:
    parts = rules.smallest_set(candidates, gap)
    usable = [one for one in candidates if one.rank < FULL]
    chosen = {key for part in parts for key in part.chosen}
    assert len(chosen) == min(gap, len(usable))
    assert chosen <= {one.id for one in usable}
    owners = sorted({one.owner for one in usable})
    enough = [
        len(some)
        for n in range(len(owners) + 1)
        for some in combinations(owners, n)
        if sum(one.owner in some for one in usable) >= len(chosen)
    ]
    assert len(parts) == min(enough)
    for part in parts:
        ranks = sorted(one.rank for one in usable if one.owner == part.owner)
        assert sorted(one.rank for one in usable if one.id in part.chosen) == ranks[: len(part.chosen)]


@pytest.mark.unit
@pytest.mark.parametrize(
    ("pace", "months"),
    [(Pace(Fraction(1), Fraction(0)), 17), (Pace(Fraction(17, 5), Fraction(0)), 5),
     (Pace(Fraction(0), Fraction(0)), None), (Pace(Fraction(1), Fraction(100)), None),
     (Pace(Fraction(-1), Fraction(-20)), 11)],
)  # fmt: skip
def test_at_a_pace_a_target_is_met_in_so_many_months(pace: Pace, months: int | None) -> None:
    assert rules.months_until("13", 155, 1320, pace) == months


@pytest.mark.unit
def test_what_if_counts_each_once_and_says_what_makes_no_difference() -> None:
    plain, shared, out, unknown = (UUID(int=n) for n in range(4))
    standing = {plain: Standing(True, False), shared: Standing(True, True), out: Standing(False, False)}
    found = rules.suppose(
        155, 1320, standing, share=[plain, shared, out, unknown], dismantle=[], build=20, build_shared=5
    )
    assert (found.shared, found.counted) == (161, 1340)
    assert found.ignored == {shared: "shared_already", out: "not_counted", unknown: "unknown"}
    gone = rules.suppose(155, 1320, standing, share=[plain], dismantle=[plain, shared])
    assert (gone.shared, gone.counted, gone.ignored) == (154, 1318, {})


@pytest.mark.unit
def test_the_days_told_are_the_day_targets_to_come_and_year_ends() -> None:
    due = [date(2025, 12, 31), date(2027, 6, 30), date(2040, 1, 1)]
    assert rules.horizons(date(2026, 11, 20), due, 2) == [
        date(2026, 11, 20), date(2026, 12, 31), date(2027, 6, 30), date(2027, 12, 31), date(2028, 12, 31),
    ]  # fmt: skip
    assert rules.before(date(2024, 2, 29), 12) == date(2023, 2, 28)


# Over HTTP


async def get(client: httpx.AsyncClient, who: dict[str, str], path: str) -> dict:
    answer = await client.get(f"{API}{path}", headers=who)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.database
async def test_the_forecast_knows_what_ends_and_weighs_what_is_under_way(client, people, province) -> None:
    ends = await province.mast()
    await province.agree(ends, "VNPT", until=date(2027, 1, 1))
    for _ in range(3):
        await province.mast("VNPT")
    planned = await province.mast(status="permitted")
    await province.agree(planned, "MOBIFONE", actor=VIETTEL)
    await province.mast("MOBIFONE", status="planned")
    told = await get(client, people["auditor"], "/ratios/forecast?boundary_set=CM-2023")
    days = {point["day"]: point for point in told["points"]}
    today, later = days["2026-11-20"], days["2027-12-31"]
    assert (today["shared"], today["counted"], later["shared"], later["counted"]) == (1, 4, 0, 4)
    assert today["under_way"] == [
        {"status": "planned", "count": 1, "shared": 0}, {"status": "permitted", "count": 1, "shared": 1},
    ]  # fmt: skip
    assert (today["expected_shared"], today["expected_counted"], today["expected_percent"]) == ("1.70", "5.00", "34.00")
    assert (today["low_percent"], today["high_percent"]) == ("20.00", "40.00")
    last = told["targets"][-1]
    assert (last["percent"], last["needed"], last["missing"], last["met"]) == ("25", 1, 0, True)
    assert set(told["weights"]) == {"planned", "permitted", "under_construction"}


@pytest.mark.database
async def test_candidates_come_by_what_is_left_to_do_and_close_the_gap(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    lonely = await province.mast("VIETTEL", lat=9.30, capacity=3)
    neighbour = await province.mast("VIETTEL", lat=9.17, capacity=2)
    full = await province.mast("VIETTEL", lat=9.40, capacity=1)
    other = await province.mast("VNPT", lat=9.171, capacity=None)
    alone = await province.mast("MOBIFONE", lat=9.50, capacity=None)
    shared = await province.mast("VNPT", lat=9.60)
    await province.agree(shared, "MOBIFONE", actor=VNPT_OWNER)
    async with database.said() as statements:
        found = await get(client, people["auditor"], "/ratios/candidates?total=true")
    assert sum("ratio_span" in each for each in statements) == 1
    assert [(row["id"], row["rank"]) for row in found["items"]] == [
        (str(neighbour), 1), (str(lonely), 2), (str(other), 3), (str(alone), 4), (str(full), 5),
    ]  # fmt: skip
    assert found["total"] == 5
    assert [row["near"] for row in found["items"]] == [1, 0, 1, 0, 0]
    paged = await get(client, people["auditor"], "/ratios/candidates?limit=2")
    rest = await get(client, people["auditor"], f"/ratios/candidates?limit=5&cursor={paged['next']}")
    assert [row["rank"] for row in rest["items"]] == [3, 4, 5]
    mine = await get(client, people["auditor"], "/ratios/candidates?of=VIETTEL&rank=2")
    assert [row["id"] for row in mine["items"]] == [str(lonely)]
    closing = await get(client, people["auditor"], "/ratios/closing?percent=66")
    assert (closing["shared"], closing["counted"], closing["missing"], closing["found"]) == (1, 6, 3, 3)
    assert [(part["owner"], part["count"]) for part in closing["owners"]] == [("VIETTEL", 2), ("MOBIFONE", 1)]
    assert (await get(client, people["auditor"], "/ratios/closing"))["percent"] == "25"
    csv = await client.get(f"{API}/ratios/candidates", headers={**people["auditor"], "Accept": "text/csv"})
    assert csv.text.count("\n") >= 5


@pytest.mark.database
async def test_what_if_changes_nothing(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    mast, other = await province.mast(), await province.mast("VNPT")
    body = {"share": [str(mast), str(uuid4())], "dismantle": [str(other)], "build": 2, "build_shared": 1}
    answer = await client.post(f"{API}/ratios:simulate", json=body, headers=people["auditor"])
    told = answer.json()
    assert (told["before"]["shared"], told["before"]["counted"]) == (0, 2)
    assert (told["after"]["shared"], told["after"]["counted"], told["after"]["percent"]) == (2, 3, "66.67")
    assert list(told["ignored"].values()) == ["unknown"]
    assert told["targets"][-1]["met"] is True
    again = await get(client, people["auditor"], "/ratios?boundary_set=CM-2023")
    assert (again["shared"], again["counted"]) == (0, 2)
    wrong = await client.post(f"{API}/ratios:simulate", json={"build": 1, "build_shared": 2}, headers=people["auditor"])
    assert wrong.status_code == 422


@pytest.mark.database
async def test_the_page_shows_the_gap_its_candidates_and_what_if(client, people, province) -> None:
    who = people["auditor"]
    empty = await client.get("/sharing/ratio/forecast", headers=who)
    assert "Không có công trình nào được tính nên không dự báo được" in empty.text
    for number in range(8):
        await province.mast("VIETTEL" if number % 2 else "VNPT", lat=9.1 + number / 100)
    await province.mast(status="planned")
    page = await client.get("/sharing/ratio/forecast", headers=who)
    assert page.status_code == 200
    assert "Còn thiếu 2 công trình để đạt 25%" in page.text
    assert "Dự kiến: 1" in page.text
    tried = await client.get("/sharing/ratio/forecast?more_shared=2&build=4&build_shared=0", headers=who)
    assert "16,67%" in tried.text
    wrong = await client.get("/sharing/ratio/forecast?more_shared=9&build=1&build_shared=3", headers=who)
    assert "Nhiều nhất bằng số xây mới" in wrong.text
    assert "Chỉ còn 8 công trình chưa dùng chung" in wrong.text
    assert (await client.get("/sharing/ratio/forecast?share=x&build=-1&target=zz", headers=who)).status_code == 200
    assert (await client.get("/sharing/ratio/forecast", headers=people["viettel"])).status_code == 403
    board = await client.get("/sharing/ratio", headers=people["viettel"])
    assert "/sharing/ratio/forecast" not in board.text
