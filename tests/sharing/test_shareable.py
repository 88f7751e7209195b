"""Which masts around a point could carry one more, as permits asks it before a new one is built."""

from datetime import date

from contracts.sharing import MastsToShare
from services.sharing.answers import masts_to_share
from tests.sharing.conftest import MOBIFONE, NOW, VIETTEL, Province

POINT = {"lon": 105.15, "lat": 9.17}


async def asked(province: Province, org: str = "MOBIFONE", **values):
    question = MastsToShare(org=org, **{**POINT, "radius_m": 1000.0, "as_of": date(2026, 11, 20), **values})
    return await masts_to_share(province.database, question)


async def numbers(province: Province, org: str = "MOBIFONE", **values):
    return [item.public_no for item in (await asked(province, org, **values)).items]


async def test_nearest_first_with_what_is_free(province):
    await province.complete()
    far = await province.mast("VNPT", lat=9.175, capacity=None)
    near = await province.mast("VIETTEL", capacity=3)
    await province.agree(near, "VNPT")
    answer = await asked(province)
    assert [item.id for item in answer.items] == [near, far]
    first, second = answer.items
    assert (first.used, first.free, first.capacity) == (2, 1, 3)
    assert 550 < second.distance_m < 560
    assert (second.used, second.free) == (1, None)
    assert answer.complete_to == NOW


async def test_full_used_planned_and_distant_ones_are_no_answer(province):
    full = await province.mast("VIETTEL", capacity=2)
    await province.agree(full, "VNPT")
    await province.mast("MOBIFONE")
    tenant = await province.mast("VNPT")
    await province.station(tenant, "MOBIFONE")
    await province.mast("VIETTEL", status="planned")
    await province.mast("VIETTEL", kind="pole")
    await province.mast("VIETTEL", lat=9.19)
    await province.mast("VIETTEL", since=date(2026, 12, 1))
    assert await numbers(province) == []
    assert await numbers(province, radius_m=3000.0) == ["CM-M-000006-1"]


async def test_brands_of_one_enterprise_hold_one_place_and_a_tower_company_none(province):
    tower = await province.mast("OCK", capacity=2)
    await province.station(tower, "VNPT")
    await province.station(tower, "VINAPHONE")
    (found,) = (await asked(province)).items
    assert (found.used, found.free) == (1, 1)
    assert await numbers(province, "VINAPHONE") == []


async def test_an_agreement_that_ended_frees_its_place(province):
    mast = await province.mast("VIETTEL", capacity=2)
    await province.agree(mast, "VNPT", until=date(2026, 11, 20), actor=VIETTEL)
    assert len(await numbers(province)) == 1
    assert await numbers(province, as_of=date(2026, 11, 19)) == []
    assert MOBIFONE.org not in str(await asked(province))
