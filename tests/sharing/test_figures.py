"""The figure at (D, K), what is behind it, and that it cannot depend on the order of events."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson
import pytest

from kernel.auth import Actor
from services.sharing.commands import copies
from services.sharing.queries import ratios, sides
from tests.sharing.conftest import AUDITOR, NOW, VIETTEL, Province
from tests.sharing.tellings import change, register, structure_items

pytestmark = pytest.mark.database
TODAY = date(2026, 11, 20)


async def figure(
    province: Province,
    *,
    as_of: date = TODAY,
    known_at: datetime = NOW,
    by: str | None = None,
    actor: Actor = AUDITOR,
    kind: str = "mast",
    **names: Any,
) -> dict[str, Any]:
    async with province.database.read() as read:
        scope = await ratios.scope(read, actor=actor, kind=kind, as_of=as_of, known_at=known_at, now=NOW, **names)
        result: dict[str, Any] = orjson.loads(await ratios.ratio(read, scope, by))
        return result


async def fraction(province: Province, **more: Any) -> tuple[int, int]:
    found = await figure(province, **more)
    return found["shared"], found["counted"]


async def test_nothing_counted_is_no_data_and_not_zero(province: Province):
    found = await figure(province)
    assert (found["shared"], found["counted"], found["percent"]) == (0, 0, None)


async def test_an_agreement_makes_a_mast_shared_from_its_first_day(province: Province):
    mast = await province.mast()
    await province.mast()
    await province.agree(mast, since=date(2024, 1, 1), until=date(2025, 1, 1))
    assert await fraction(province, as_of=date(2023, 12, 31)) == (0, 2)
    assert await fraction(province, as_of=date(2024, 1, 1)) == (1, 2)
    assert await fraction(province, as_of=date(2024, 12, 31)) == (1, 2)
    assert await fraction(province, as_of=date(2025, 1, 1)) == (0, 2)


async def test_before_it_was_recorded_nobody_knew(province: Province):
    mast = await province.mast()
    await province.agree(mast, since=date(2024, 1, 1), now=datetime(2024, 6, 1, tzinfo=UTC))
    assert await fraction(province, as_of=date(2024, 3, 1), known_at=datetime(2024, 5, 31, tzinfo=UTC)) == (0, 1)
    assert await fraction(province, as_of=date(2024, 3, 1), known_at=datetime(2024, 6, 1, tzinfo=UTC)) == (1, 1)


async def test_cut_by_owner_by_unit_and_by_district(province: Province):
    mast = await province.mast("VIETTEL", commune="32128@2023")
    await province.mast("VNPT", commune="32141@2023")
    await province.agree(mast, "MOBIFONE")
    by_owner = await figure(province, by="owner", boundary_set="CM-2023")
    assert [(i["key"], i["shared"], i["counted"]) for i in by_owner["groups"]] == [("VIETTEL", 1, 1), ("VNPT", 0, 1)]
    by_unit = await figure(province, by="unit", boundary_set="CM-2023")
    assert [(i["name"], i["percent"]) for i in by_unit["groups"]] == [("Xã Cái Nước", "100.00"), ("Xã Hòa Mỹ", "0.00")]
    by_district = await figure(province, by="district", boundary_set="CM-2023")
    assert [(i["name"], i["counted"]) for i in by_district["groups"]] == [("Huyện Cái Nước", 2)]
    assert await fraction(province, unit="969@2023", boundary_set="CM-2023") == (1, 2)
    assert await fraction(province, owner="VNPT", boundary_set="CM-2023") == (0, 1)


async def test_the_same_structures_in_the_boundaries_of_another_time(province: Province):
    await province.mast(commune="32141@2023")
    await province.mast(commune="31825@2025-07")
    assert await fraction(province, boundary_set="CM-2023") == (0, 1)
    assert await fraction(province, boundary_set="CM-2025-07") == (0, 2)
    names = [i["name"] for i in (await figure(province, by="unit", boundary_set="CM-2025-07"))["groups"]]
    assert names == ["Phường Bạc Liêu", "Xã Hưng Mỹ"]


async def test_two_stations_of_one_operator_are_not_sharing(province: Province):
    mast = await province.mast()
    await province.station(mast, "VIETTEL")
    await province.station(mast, "VIETTEL")
    assert await fraction(province) == (0, 1)


async def test_two_brands_of_one_enterprise_are_one_sharer(province: Province):
    mast = await province.mast("VNPT")
    await province.station(mast, "VINAPHONE")
    assert await fraction(province) == (0, 1)
    assert await reasons(province, "denominator") == ["same_legal_entity"]


async def test_a_tower_company_with_one_tenant_is_not_shared(province: Province):
    mast = await province.mast("OCK")
    await province.station(mast, "VIETTEL")
    assert await fraction(province) == (0, 1)
    await province.station(mast, "VNPT")
    assert await fraction(province) == (1, 1)


async def test_a_power_company_shares_its_pole_with_one_operator(province: Province):
    pole = await province.mast("PCCM", kind="pole")
    await province.station(pole, "VIETTEL")
    assert await fraction(province, kind="pole") == (1, 1)
    assert await fraction(province, kind="mast") == (0, 0)


async def test_an_agreement_that_expired_yesterday_no_longer_counts(province: Province):
    mast = await province.mast()
    await province.agree(mast, until=TODAY)
    assert await fraction(province, as_of=TODAY - timedelta(days=1)) == (1, 1)
    assert await fraction(province) == (0, 1)


async def test_signed_without_equipment_is_declared_and_not_verified(province: Province):
    mast = await province.mast()
    await province.station(mast, "VIETTEL", evidence=4)
    await province.agree(mast, "VNPT")
    assert await fraction(province) == (1, 1)
    assert await fraction(province, definition="mast.verified.1") == (0, 1)
    await province.station(mast, "VNPT", evidence=1)
    assert await reasons(province, "denominator", definition="mast.verified.1") == ["evidence"]
    await province.station(mast, "VNPT", evidence=5)
    assert await fraction(province, definition="mast.verified.1") == (1, 1)


async def test_a_dismantled_mast_leaves_numerator_and_denominator(province: Province):
    gone = change(2, "change_status", date(2024, 6, 1), {"status": "dismantled"})
    mast = await province.mast(more=[gone])
    await province.agree(mast, since=date(2023, 6, 1))
    assert await fraction(province, as_of=date(2024, 5, 31)) == (1, 1)
    assert await fraction(province, as_of=date(2024, 6, 1)) == (0, 0)
    assert await reasons(province, "excluded") == ["not_counted:status"]


async def test_a_permitted_mast_changes_nothing(province: Province):
    await province.mast(status="permitted")
    assert await fraction(province) == (0, 0)


async def test_a_structure_outside_the_boundaries_is_listed_as_excluded(province: Province):
    await province.mast(commune="31825@2025-07")
    await province.mast(commune=None)
    found = await reasons(province, "excluded", boundary_set="CM-2023")
    assert found == ["not_counted:boundaries", "not_counted:commune"]


async def test_a_correction_of_the_owner_moves_the_mast_between_groups_only_from_when_it_was_known(province: Province):
    await province.mast()
    told = datetime(2025, 1, 1, tzinfo=UTC)
    begun = register(date(2020, 1, 1), owner="VIETTEL", status="in_service", commune="32005@2023")
    mended = change(2, "correct", date(2020, 1, 1), {**begun.patch, "owner": "VNPT"}, at=told, corrects=begun.id)
    async with province.database.tx() as tx:
        await copies.store_structures(tx, structure_items(uuid4(), "CM-M-900000-1", [begun, mended]))
    earlier = await figure(province, known_at=told - timedelta(seconds=1), by="owner", as_of=date(2022, 1, 1))
    assert [(i["key"], i["counted"]) for i in earlier["groups"]] == [("VIETTEL", 2)]
    later = await figure(province, known_at=told, by="owner", as_of=date(2022, 1, 1))
    assert [(i["key"], i["counted"]) for i in later["groups"]] == [("VIETTEL", 1), ("VNPT", 1)]


async def reasons(province: Province, side: str, actor: Actor = AUDITOR, **names: Any) -> list[str]:
    return [item["reason"] for item in await listed(province, side, actor, **names)]


async def listed(province: Province, side: str, actor: Actor = AUDITOR, **names: Any) -> list[dict[str, Any]]:
    async with province.database.read() as read:
        scope = await ratios.scope(read, actor=actor, kind="mast", as_of=TODAY, known_at=NOW, now=NOW, **names)
        found: list[dict[str, Any]] = orjson.loads(
            (await sides.structures(read, scope, side, actor=actor, limit=100)).items
        )
        return found


async def test_who_the_tenants_are_is_told_to_parties_and_auditors_only(province: Province):
    mast = await province.mast()
    await province.agree(mast, "VNPT")
    mobifone = Actor("mobifone.chi", "MOBIFONE", "person", capabilities=frozenset({"owner"}))
    assert (await listed(province, "numerator", mobifone))[0]["sharers"] is None
    for actor in (AUDITOR, VIETTEL):
        sharers = (await listed(province, "numerator", actor))[0]["sharers"]
        assert [(s["org"], s["role"]) for s in sharers] == [("VIETTEL", "owner"), ("VNPT", "tenant")]
        assert sharers[1]["agreement_id"]


async def test_the_trend_is_the_figure_of_each_day(province: Province):
    mast = await province.mast(since=date(2023, 3, 1))
    await province.mast(since=date(2024, 2, 1))
    await province.agree(mast, since=date(2023, 6, 1))
    days = [date(2023, 2, 28), date(2023, 3, 31), date(2023, 6, 30), date(2024, 6, 30), TODAY]
    async with province.database.read() as read:
        scope = await ratios.scope(
            read, actor=AUDITOR, kind="mast", as_of=TODAY, known_at=NOW, now=NOW, boundary_set="CM-2023"
        )
        rows = await ratios.trend(read, scope, days)
    assert [(r.shared, r.counted) for r in rows] == [(0, 0), (0, 1), (1, 1), (1, 2), (1, 2)]


async def test_boundaries_default_to_those_in_force_on_the_day(province: Province):
    async with province.database.read() as read:
        for day, expected in (
            (date(2023, 6, 30), "CM-2023"),
            (date(2024, 12, 1), "CM-2024-12"),
            (TODAY, "CM-2025-07"),
        ):
            scope = await ratios.scope(read, actor=AUDITOR, kind="mast", as_of=day, known_at=NOW, now=NOW)
            assert (scope.boundary_set, scope.definition) == (expected, "mast.declared.1")
