"""Rules of plain values: rounding, targets, definitions, placement, policy."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from services.sharing import data
from services.sharing.domain import targets
from services.sharing.domain.agreement import Period, overlapping
from services.sharing.domain.definition import DefaultsCollide, Definition, check_defaults
from services.sharing.domain.figures import Placed, deltas, percent
from services.sharing.domain.placement import Place, Unit, places
from services.sharing.domain.predicate import Leaf, Not, failing, holds
from services.sharing.domain.ratio import NEVER, NO_DAY, Structure, judge
from services.sharing.queries.ratios import known_instant
from tests.sharing.conftest import NOW

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("shared", "counted", "shown"),
    [(155, 1320, "11.74"), (448, 1465, "30.58"), (1, 8, "12.50"), (1, 800, "0.13"), (0, 5, "0.00"), (0, 0, None)],
)
def test_percent_is_two_decimals_half_up_and_nothing_when_nothing_is_counted(shared: int, counted: int, shown: str):
    assert percent(shared, counted) == (None if shown is None else Decimal(shown))


@pytest.mark.parametrize(("target", "needed", "gap"), [("13", 172, 17), ("19", 251, 96), ("25", 330, 175)])
def test_the_plans_gaps_at_its_base(target: str, needed: int, gap: int):
    assert (targets.needed(target, 1320), targets.gap(target, 155, 1320)) == (needed, gap)


class Row(NamedTuple):
    plan: str
    kind: str
    due_on: date
    is_base: bool = False


OLD = [Row("old", "mast", date(year, 12, 31), year == 2023) for year in (2023, 2024, 2025)]
NEW = [Row("new", "mast", date(2030, 12, 31)), Row("new", "pole", date(2030, 12, 31))]


@pytest.mark.parametrize(
    ("day", "mast"), [("2024-06-01", OLD), ("2025-12-31", OLD), ("2026-01-01", NEW[:1]), ("2031-01-01", NEW[:1])]
)
def test_the_plan_in_force_is_the_one_whose_next_target_is_due(day: str, mast: list[Row]):
    found = targets.in_force([*OLD, *NEW], date.fromisoformat(day))
    assert [row for row in found if row.kind == "mast"] == mast
    assert [row for row in found if row.kind == "pole"] == NEW[1:]


def test_after_the_last_target_the_last_plan_stays():
    assert targets.in_force(OLD, date(2031, 1, 1)) == OLD


def test_new_unshared_masts_raise_what_is_needed():
    assert targets.needed("25", 1360) == 340


def test_a_target_is_met_on_the_unrounded_ratio_only():
    assert percent(4999, 25000) == Decimal("20.00")
    assert targets.met("20", 4999, 25000) is False
    assert targets.met("20", 5000, 25000) is True
    assert targets.met("20", 0, 0) is None
    assert targets.met("11.74", 155, 1320) is True


@given(st.integers(0, 3000), st.integers(1, 3000), st.decimals("0.01", "100", places=2))
def test_the_gap_is_the_least_number_that_meets_the_target(shared: int, counted: int, target: Decimal):
    missing = targets.gap(str(target), shared, counted)
    assert targets.met(str(target), shared + missing, counted)
    assert missing == 0 or not targets.met(str(target), shared + missing - 1, counted)


def test_what_ships_is_published_law():
    assert [d.id for d in data.definitions()] == [
        "duct.declared.1",
        "mast.declared.1",
        "mast.verified.1",
        "pole.declared.1",
    ]
    (plan,) = data.plans()
    assert plan.boundary_set == "CM-2023"
    assert [(t.kind, t.due_on.year, t.percent) for t in plan.targets if not t.is_base] == [
        ("mast", 2023, "13"),
        ("mast", 2024, "19"),
        ("mast", 2025, "25"),
        ("pole", 2023, "82"),
        ("pole", 2024, "85"),
        ("pole", 2025, "90"),
        ("duct", 2023, "0"),
        ("duct", 2024, "1"),
        ("duct", 2025, "2"),
    ]
    assert {t.kind: t.percent for t in plan.targets if t.is_base} == {"mast": "11.74", "pole": "80", "duct": "0"}


@pytest.mark.parametrize(
    "change", [{"minimum": 1}, {"sharers": []}, {"counted": {"fact": "price", "op": "==", "value": 1}}]
)
def test_a_definition_that_makes_no_sense_is_refused(change: dict[str, object]):
    content = data.definitions()[1].model_dump(by_alias=True)
    with pytest.raises(ValidationError):
        Definition.model_validate({**content, **change})


@pytest.mark.parametrize(("system", "counted"), [("ND163", True), ("TT14", False), (None, False)])
def test_the_same_code_in_two_systems_is_two_classes(system: str | None, counted: bool):
    """`A2` of Decree 163 and `A2` of Circular 14 are different masts: a definition names the system beside the code."""
    classes = {"all": [
        {"fact": "code_system", "op": "==", "value": "ND163"}, {"fact": "code", "op": "==", "value": "A2"},
    ]}  # fmt: skip
    content = data.definitions()[1].model_dump(by_alias=True)
    definition = Definition.model_validate({**content, "counted": classes})
    outcome = judge(definition, Structure("VNPT", "in_service", system, "A2"), (), (), {})
    assert (outcome.counted, outcome.reason) == (counted, outcome.reason if counted else "not_counted:code_system")


def test_two_defaults_may_follow_each_other_and_not_begin_on_one_day():
    first = next(one for one in data.definitions() if one.default and one.kind == "mast")
    later = first.model_copy(update={"version": 2, "valid_from": date(2027, 1, 1)})
    check_defaults([*data.definitions(), later])
    check_defaults([*data.definitions(), first.model_copy(update={"version": 2})])
    with pytest.raises(DefaultsCollide, match=r"mast\.other"):
        check_defaults([*data.definitions(), first.model_copy(update={"code": "mast.other"})])


def test_a_condition_names_the_fact_that_fails():
    leaf = Leaf(fact="evidence", op=">=", value=4)
    assert not holds(leaf, {})
    assert holds(leaf, {"evidence": 4})
    assert holds(leaf, {"evidence": 1}, ignoring=frozenset({"evidence"}))
    assert failing(Not.model_validate({"not": leaf}), {"evidence": 5}) == "evidence"


class Figures:
    SPAN = (date(2024, 1, 1), NO_DAY, NOW, NEVER)


def test_open_ends_leave_one_corner():
    (corner,) = deltas([Placed(*Figures.SPAN, 3, True, True)])
    assert tuple(corner) == (date(2024, 1, 1), NOW, 3, 1, 1)


def test_what_is_not_counted_leaves_no_corner_and_neighbours_cancel():
    later = NOW + timedelta(days=1)
    placed = [
        Placed(date(2024, 1, 1), date(2025, 1, 1), NOW, NEVER, 0, False, False),
        Placed(date(2025, 1, 1), NO_DAY, NOW, later, 0, True, False),
        Placed(date(2025, 1, 1), NO_DAY, later, NEVER, 0, True, True),
    ]
    assert [tuple(d) for d in deltas(placed)] == [
        (date(2025, 1, 1), NOW, 0, 1, 0),
        (date(2025, 1, 1), later, 0, 0, 1),
    ]


def test_periods_that_only_touch_do_not_overlap():
    held = [Period(None, date(2024, 1, 1), date(2025, 1, 1))]  # type: ignore[arg-type]
    assert overlapping(held, date(2025, 1, 1), None) is None
    assert overlapping(held, date(2023, 1, 1), date(2024, 1, 1)) is None
    assert overlapping(held, date(2024, 12, 31), None) is held[0]


def test_where_a_unit_lies_in_the_boundaries_of_another_time():
    units = [
        Unit("a@1", "d@1", ("old",), (("x@2", "whole"),)),
        Unit("b@1", "d@1", ("old",), (("y@2", "part"), ("x@2", "part"))),
        Unit("x@2", None, ("new",)),
        Unit("y@2", None, ("new",)),
        Unit("z@2", None, ("new",)),
    ]
    found = places(units)
    assert found["a@1", "old"] == Place("a@1", "declared", False)
    assert found["a@1", "new"] == Place("x@2", "crosswalk", False)
    assert found["b@1", "new"] == Place("y@2", "crosswalk", True)
    assert found["x@2", "old"] == Place("a@1", "crosswalk", True)
    assert found["y@2", "old"] == Place("b@1", "crosswalk", True)
    assert ("z@2", "old") not in found


def test_a_known_day_means_its_end_and_today_means_now():
    assert known_instant("2026-11-19", NOW) == datetime.fromisoformat("2026-11-19T23:59:59.999999+07:00")
    assert known_instant("2026-11-20", NOW) == NOW
    assert known_instant(None, NOW) == NOW
