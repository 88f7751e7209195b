from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest

from services.registry import data
from services.registry.domain import checks, policy, sheet, times
from services.registry.domain.checks import OrganisationRef, References, UnitRef
from services.registry.domain.placement import Crosswalk, placements
from services.registry.domain.status import MOVES, STATUSES, WrongMove, check_move
from tests.registry.conftest import NOW, OFFICER, REGISTRAR, VIETTEL, VNPT, mast

pytestmark = pytest.mark.unit

KNOWN = References(
    codes=data.codes(),
    limits=data.limits(),
    units=[
        UnitRef("32002@2023", "32002", "commune", "Phường 4", None, date(2024, 12, 1)),
        UnitRef("32002@2024-12", "32002", "commune", "Phường 2", date(2024, 12, 1), date(2025, 7, 1)),
        UnitRef("964@2023", "964", "district", "Thành phố Cà Mau", None, date(2025, 7, 1)),
    ],
    organisations=[OrganisationRef("VIETTEL", "operator", "Viettel"), OrganisationRef("PCCM", "power_company", "PCCM")],
)


def codes_of(day=date(2023, 5, 1), kind="mast", **changes):
    patch = mast(**{"commune": "32002@2023", **changes}).patch()
    faults = checks.missing(kind, patch) + checks.structure_faults(kind, patch, day, KNOWN)
    return [(fault.pointer, fault.code) for fault in faults]


def test_a_mast_of_the_seed_is_right():
    assert codes_of() == []


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"code": ("TT14", "A3")}, ("/code", "unknown_code")),
        ({"code": ("ND163", "A2b")}, ("/code", "unknown_code")),
        ({"code": ("ND163", "C1")}, ("/code", "unknown_code")),
        ({"code": ("XX", "A1")}, ("/code", "unknown_system")),
        ({"code": ("TT14", "A1a"), "height_m": "3.01"}, ("/height_m", "too_high_for_code")),
        ({"height_m": "0.4"}, ("/height_m", "impossible_height")),
        ({"height_m": "350.01"}, ("/height_m", "impossible_height")),
        ({"height_m": None}, ("/height_m", "missing")),
        ({"point": (9.05, 104.84)}, ("/point", "swapped")),
        ({"point": (105.85, 21.02)}, ("/point", "outside_province")),
        ({"commune": "32003"}, ("/commune", "unknown_unit")),
        ({"commune": "964@2023"}, ("/commune", "not_a_commune")),
        ({"owner": "NOBODY"}, ("/owner", "unknown_organisation")),
    ],
)
def test_what_cannot_be_right_is_named(changes, fault):
    assert codes_of(**changes) == [fault]


def test_the_same_letters_mean_something_in_each_system():
    assert codes_of(code=("TT14", "A1")) == codes_of(code=("ND163", "A1")) == []


def test_a_bare_code_is_the_unit_of_its_day():
    assert KNOWN.unit("32002", date(2024, 11, 30)).name == "Phường 4"
    assert KNOWN.unit("32002", date(2024, 12, 1)).name == "Phường 2"
    assert KNOWN.unit("32002", date(2025, 7, 1)) is None


def test_a_mast_cannot_lose_its_owner():
    assert [fault.pointer for fault in checks.emptied("mast", {"owner": None, "capacity": None})] == ["/owner"]


def test_dismantled_is_the_end():
    assert MOVES["dismantled"] == frozenset()
    assert set(MOVES) == set(STATUSES)
    with pytest.raises(WrongMove):
        check_move("dismantled", "in_service", None)


def test_a_move_must_also_fit_what_follows():
    check_move("permitted", "under_construction", "in_service")
    with pytest.raises(WrongMove):
        check_move("in_service", "dismantled", "idle")


def test_an_owner_records_its_own_and_a_registrar_any():
    assert policy.may(VIETTEL, "registry:structure:register", "VIETTEL")
    assert not policy.may(VIETTEL, "registry:structure:register", "VNPT")
    assert policy.may(REGISTRAR, "registry:structure:register", "VNPT")
    assert not policy.may(OFFICER, "registry:structure:register", "SXD")


def test_an_enterprise_does_not_see_what_another_plans():
    assert not policy.sees(VNPT, "VIETTEL", {"permitted"})
    assert policy.sees(VNPT, "VIETTEL", {"permitted", "in_service"})
    assert policy.sees(VIETTEL, "VIETTEL", {"planned"})
    assert policy.sees(OFFICER, "VIETTEL", {"planned"})


def test_an_owner_cannot_vouch_for_an_inspection():
    assert policy.highest_evidence(VIETTEL) == 2
    assert policy.highest_evidence(REGISTRAR) == 6


def test_the_vintages_have_the_units_the_law_gave_them():
    units = data.units().units

    def count(within, level):
        return sum(unit.level == level and within in unit.sets for unit in units)

    assert (count("CM-2023", "district"), count("CM-2023", "commune")) == (9, 101)
    assert (count("CM-2024-12", "district"), count("CM-2024-12", "commune")) == (9, 100)
    assert (count("CM-2025-07", "district"), count("CM-2025-07", "commune")) == (0, 64)
    wards = [u for u in units if "CM-2025-07" in u.sets and u.name.startswith("Phường")]
    assert len(wards) == 9


def test_every_commune_of_old_finds_its_place_in_the_merged_province():
    found = {(p.declared, p.boundary_set): p for p in placements(data.units())}
    olds = [u.id for u in data.units().units if u.level == "commune" and u.valid_to is not None]
    assert all((old, "CM-2025-07") in found for old in olds)
    assert found["32011@2023", "CM-2025-07"].unit == "32002@2025-07"
    assert not found["32011@2023", "CM-2025-07"].provisional


def test_a_part_takes_the_larger_share_and_says_so():
    shipped = data.units()
    crosswalk = Crosswalk(shipped.units, shipped.successions)
    merged = next(s for s in shipped.boundary_sets if s.code == "CM-2025-07")
    placed = crosswalk.place("32122@2023", merged)
    assert (placed.unit, placed.how, placed.provisional) == ("32134@2025-07", "crosswalk", True)


def test_a_code_that_was_three_wards_is_three_units():
    units = {unit.id: unit.name for unit in data.units().units if unit.code == "32002"}
    assert units == {"32002@2023": "Phường 4", "32002@2024-12": "Phường 2", "32002@2025-07": "Phường An Xuyên"}


def test_transport_passes_to_construction_in_march_2025():
    mandates = [m for m in data.organisations().mandates if m.function == "transport"]
    assert [(m.organisation, m.valid_to or m.valid_from) for m in mandates] == [
        ("SGTVT", date(2025, 3, 1)),
        ("SXD", date(2025, 3, 1)),
    ]


def test_no_function_is_held_twice_on_a_day():
    mandates = data.organisations().mandates
    for held in {(m.function, m.area) for m in mandates}:
        spans = sorted((m.valid_from, m.valid_to or date.max) for m in mandates if (m.function, m.area) == held)
        assert all(first[1] == second[0] for first, second in pairwise(spans))


def test_what_will_be_known_is_not_known():
    with pytest.raises(times.KnownAtInFuture):
        times.times(None, "2026-11-21", NOW)
    with pytest.raises(times.KnownAtUnreadable):
        times.times(None, "yesterday", NOW)


def test_a_date_is_known_until_its_local_end():
    at = times.times(date(2020, 1, 1), "2026-11-18", NOW)
    assert at.known.isoformat() == "2026-11-18T16:59:59.999999+00:00"
    assert times.times(None, "2026-11-20", NOW).known == times.LATEST


GOOD = (
    "owner,name,code_system,code,height_m,lon,lat,commune,status,valid_from\n"
    "VIETTEL,A,TT14,A2b,45.5,104.84,9.05,32098,in_service,01/05/2015\n"
)


def test_a_sheet_is_read():
    given = sheet.read(GOOD.encode("utf-8-sig"), "mast", 10, data.headings())
    assert given.faults == []
    row = given.rows[0]
    assert (row.no, row.valid_from, row.facts.height_m, row.facts.code) == (2, MAY, Decimal("45.5"), ("TT14", "A2b"))


MAY = date(2015, 5, 1)


def test_semicolons_and_decimal_commas_are_read():
    text = GOOD.replace(",", ";").replace("45.5", "45,5").replace("104.84", "104,84").replace("9.05", "9,05")
    given = sheet.read(text.encode(), "mast", 10, data.headings())
    assert given.rows[0].facts.point == (104.84, 9.05)


def test_every_fault_of_every_row_is_named():
    text = (
        GOOD
        + "VIETTEL,B,TT14,A2b,tall,104.84,9.05,32098,standing,2015-13-01\n=cmd,C,,,45,104,9,32098,idle,2015-01-01\nx\n"
    )
    faults = sheet.read(text.encode(), "mast", 10, data.headings()).faults
    assert [(f.pointer, f.code) for f in faults] == [
        ("/rows/3/height_m", "unreadable"),
        ("/rows/3/valid_from", "unreadable"),
        ("/rows/3/status", "not_in_list"),
        ("/rows/4/owner", "formula"),
        ("/rows/5/file", "cells"),
    ]


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "missing_column"),
        (GOOD.splitlines()[0].encode(), "empty"),
        ("Cột".encode("windows-1258", "replace") + b"\xff", "encoding"),
        (GOOD.replace("lon", "longitude").encode(), "unknown_column"),
        ((GOOD + GOOD.splitlines()[1]).encode(), "too_many"),
    ],
)
def test_a_sheet_that_cannot_be_read_says_why(content, code):
    assert sheet.read(content, "mast", 1, data.headings()).faults[0].code == code
