"""Recording, ending and correcting agreements: what is refused, what is told, what figures say afterwards."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from unittest.mock import ANY
from uuid import uuid4

import orjson
import pytest
import sqlalchemy as sa

from contracts.sharing import AgreementChanged
from kernel import history
from kernel.auth import Actor
from kernel.errors import Stale
from services.sharing.commands.agreements import agree, correct, terminate
from services.sharing.domain.agreement import Terms
from services.sharing.domain.policy import NotAllowed
from services.sharing.domain.refusals import (
    AgreementNotFound,
    AgreementNotInForce,
    AgreementOverlaps,
    EndsBeforeItBegins,
    KindUnknown,
    StructureNotKnownYet,
    StructureNotStanding,
    TenantIsOwner,
    TenantUnknown,
    WrongCorrection,
)
from services.sharing.queries import agreements as queries
from tests.sharing.conftest import AUDITOR, MOBIFONE, NOW, VIETTEL, VNPT, Province
from tests.sharing.tellings import change
from tests.sharing.test_figures import fraction

pytestmark = pytest.mark.database
DAY = date(2024, 1, 1)


@pytest.mark.parametrize(
    ("tenant", "terms", "refusal"),
    [
        ("VIETTEL", Terms("lease", DAY), TenantIsOwner),
        ("NOBODY", Terms("lease", DAY), TenantUnknown),
        ("VNPT", Terms("barter", DAY), KindUnknown),
        ("VNPT", Terms("lease", DAY, DAY), EndsBeforeItBegins),
        ("VNPT", Terms("lease", date(2019, 12, 31)), StructureNotStanding),
    ],
)
async def test_what_an_agreement_cannot_say(tenant: str, terms: Terms, refusal: type[Exception], province: Province):
    mast = await province.mast()
    with pytest.raises(refusal):
        async with province.database.tx() as tx:
            await agree(tx, VIETTEL, mast, tenant, terms, now=NOW)


async def test_the_tenant_may_not_be_another_brand_of_the_owner(province: Province):
    mast = await province.mast("VNPT")
    with pytest.raises(TenantIsOwner):
        await province.agree(mast, "VINAPHONE", actor=VNPT)


async def test_a_structure_that_only_a_station_spoke_of_is_not_known_yet(province: Province):
    structure_id = uuid4()
    await province.station(structure_id, "VNPT")
    with pytest.raises(StructureNotKnownYet) as caught:
        await province.agree(structure_id)
    assert caught.value.headers == {"Retry-After": "2"}


async def test_no_agreement_on_a_dismantled_mast(province: Province):
    mast = await province.mast(more=[change(2, "change", date(2024, 1, 1), {"status": "dismantled"})])
    with pytest.raises(StructureNotStanding):
        await province.agree(mast, since=date(2024, 2, 1))


async def test_only_parties_record_and_a_third_enterprise_sees_nothing(province: Province):
    mast = await province.mast()
    with pytest.raises(NotAllowed):
        await province.agree(mast, "VNPT", actor=MOBIFONE)
    with pytest.raises(NotAllowed):
        await province.agree(mast, "VNPT", actor=AUDITOR)
    made = await province.agree(mast, "VNPT", actor=VNPT)
    async with province.database.tx() as tx:
        with pytest.raises(AgreementNotFound):
            await terminate(tx, MOBIFONE, made.id, date(2025, 1, 1), "mine?", now=NOW)
        assert (await queries.agreement(tx, made.id, actor=AUDITOR)).owner == "VIETTEL"
        with pytest.raises(NotAllowed):
            await terminate(tx, AUDITOR, made.id, date(2025, 1, 1), "audit", now=NOW)


@pytest.mark.parametrize(
    ("since", "until", "overlaps"),
    [
        (date(2023, 1, 1), date(2024, 1, 1), False),
        (date(2023, 1, 1), date(2024, 1, 2), True),
        (date(2024, 12, 31), None, True),
        (date(2025, 1, 1), None, False),
        (date(2023, 1, 1), None, True),
    ],
)
async def test_the_same_pair_on_one_structure_once_a_day(
    since: date, until: date | None, overlaps: bool, province: Province
):
    mast = await province.mast()
    await province.agree(mast, since=DAY, until=date(2025, 1, 1))
    await province.agree(mast, "MOBIFONE", since=DAY)
    if overlaps:
        with pytest.raises(AgreementOverlaps):
            await province.agree(mast, since=since, until=until)
    else:
        await province.agree(mast, since=since, until=until)


async def test_another_brand_of_the_tenant_overlaps_too(province: Province):
    mast = await province.mast()
    await province.agree(mast, "VNPT", since=DAY)
    with pytest.raises(AgreementOverlaps):
        await province.agree(mast, "VINAPHONE", since=DAY)


async def test_termination_ends_it_on_its_day_and_only_from_when_it_was_recorded(province: Province):
    mast = await province.mast()
    made = await province.agree(mast, since=DAY, now=NOW - timedelta(days=9))
    async with province.database.tx() as tx:
        with pytest.raises(Stale):
            await terminate(tx, VNPT, made.id, date(2026, 6, 1), "moved out", now=NOW, if_match='"7"')
        ended = await terminate(tx, VNPT, made.id, date(2026, 6, 1), "moved out", now=NOW, if_match='"1"')
    assert ended.no == 2
    assert await fraction(province, as_of=date(2026, 5, 31)) == (1, 1)
    assert await fraction(province, as_of=date(2026, 6, 1)) == (0, 1)
    assert await fraction(province, as_of=date(2026, 6, 1), known_at=NOW - timedelta(days=1)) == (1, 1)
    async with province.database.tx() as tx:
        with pytest.raises(AgreementNotInForce):
            await terminate(tx, VNPT, made.id, date(2026, 7, 1), "again", now=NOW)
    await province.agree(mast, since=date(2026, 6, 1))


async def test_a_correction_changes_today_and_leaves_what_was_known(province: Province):
    mast = await province.mast()
    made = await province.agree(mast, since=DAY, now=NOW - timedelta(days=9))
    async with province.database.tx() as tx:
        (first,) = await queries.changes(tx, made.id)
        later = Terms("exchange", date(2024, 3, 1), date(2025, 3, 1))
        await correct(tx, VIETTEL, made.id, first.id, later, "wrong paper", now=NOW)
        with pytest.raises(WrongCorrection):
            await correct(tx, VIETTEL, made.id, first.id, later, "twice", now=NOW)
    assert await fraction(province, as_of=date(2024, 2, 1)) == (0, 1)
    assert await fraction(province, as_of=date(2024, 2, 1), known_at=NOW - timedelta(days=1)) == (1, 1)
    assert await fraction(province, as_of=date(2024, 3, 1)) == (1, 1)
    assert await fraction(province, as_of=date(2025, 3, 1)) == (0, 1)


async def test_undoing_a_termination_is_refused_when_another_agreement_took_its_days(province: Province):
    mast = await province.mast()
    made = await province.agree(mast, since=DAY)
    async with province.database.tx() as tx:
        await terminate(tx, VIETTEL, made.id, date(2025, 1, 1), "over", now=NOW)
        _, end = await queries.changes(tx, made.id)
    other = await province.agree(mast, since=date(2025, 6, 1))
    with pytest.raises(AgreementOverlaps):
        async with province.database.tx() as tx:
            await correct(tx, VIETTEL, made.id, end.id, None, "not over", now=NOW)
    async with province.database.tx() as tx:
        (only,) = await queries.changes(tx, other.id)
        await correct(tx, VIETTEL, other.id, only.id, None, "never signed", now=NOW + timedelta(hours=1))
        await correct(tx, VIETTEL, made.id, end.id, None, "not over", now=NOW + timedelta(hours=2))
    assert await fraction(province, as_of=date(2025, 3, 1), known_at=NOW + timedelta(hours=3)) == (1, 1)


async def test_each_act_leaves_an_audit_row_and_an_event_with_the_whole_belief(province: Province):
    mast = await province.mast()
    made = await province.agree(mast, since=DAY, until=date(2027, 1, 1))
    async with province.database.tx() as tx:
        await terminate(tx, VIETTEL, made.id, date(2025, 1, 1), "over", now=NOW)
    async with province.database.read() as read:
        acts = (await read.execute(sa.text("SELECT act, thing, org FROM audit ORDER BY seq"))).all()
        sent = (await read.execute(sa.text("SELECT subject, envelope FROM outbox ORDER BY seq"))).all()
    assert [tuple(act) for act in acts] == [
        ("sharing:agreement:record", str(made.id), "VIETTEL"),
        ("sharing:agreement:terminate", str(made.id), "VIETTEL"),
    ]
    assert [row.subject for row in sent] == [AgreementChanged.type] * 2
    (item,) = AgreementChanged.model_validate(sent[1].envelope["data"]).items
    assert [(v.valid_from, v.valid_to, v.status) for v in item.versions] == [
        (DAY, date(2025, 1, 1), "in_force"),
        (date(2025, 1, 1), date(2027, 1, 1), "terminated"),
        (date(2027, 1, 1), None, "terminated"),
    ]
    assert (item.no, item.owner, item.tenant, item.kind) == (2, "VIETTEL", "VNPT", "lease")


async def test_the_stored_versions_are_the_projection_of_the_log(province: Province):
    mast = await province.mast()
    made = await province.agree(mast, since=DAY, until=date(2027, 1, 1))
    async with province.database.tx() as tx:
        (first,) = await queries.changes(tx, made.id)
        await correct(tx, VIETTEL, made.id, first.id, Terms("lease", DAY), "no end agreed", now=NOW)
        await terminate(tx, VIETTEL, made.id, date(2026, 1, 1), "over", now=NOW)
        changes = await queries.changes(tx, made.id)
        rows = await tx.execute(
            sa.text(
                "SELECT opened_no, closed_no, valid_from, NULLIF(valid_to, 'infinity'), recorded_from,"
                " NULLIF(recorded_to, 'infinity') FROM agreement_version"
            )
        )
    expected = {
        (r.opened_no, r.closed_no, r.version.valid_from, r.version.valid_to, r.recorded_from, r.recorded_to)
        for r in history.rectangles(changes)
    }
    assert {tuple(row) for row in rows} == expected


async def test_the_list_shows_each_party_its_own_with_the_status_of_a_day(province: Province):
    mast = await province.mast()
    await province.agree(mast, "VNPT", since=DAY, until=date(2025, 1, 1))
    await province.agree(mast, "MOBIFONE", since=date(2025, 6, 1))
    async with province.database.read() as read:

        async def rows(actor: Actor, as_of: date = DAY, **asked: Any) -> list[dict[str, Any]]:
            given = queries.AgreementsAsked(**asked)
            found = await queries.agreements(read, given, actor=actor, as_of=as_of, known_at=NOW, limit=10)
            return orjson.loads(found.items)

        assert [len(await rows(actor)) for actor in (VIETTEL, VNPT, AUDITOR)] == [2, 1, 2]
        assert [(row["tenant"], row["status"]) for row in await rows(AUDITOR)] == [
            ("MOBIFONE", "not_begun"),
            ("VNPT", "in_force"),
        ]
        ended = await rows(VNPT, date(2026, 1, 1), status="ended", q="cm-m-000001")
        assert [(row["valid_from"], row["valid_to"]) for row in ended] == [("2024-01-01", "2025-01-01")]
        assert [row["tenant"] for row in await rows(AUDITOR, valid_from_gte=date(2025, 6, 1))] == ["MOBIFONE"]
        assert [row["tenant"] for row in await rows(AUDITOR, tenant_in=["VNPT", "GMOBILE"])] == ["VNPT"]
        known = {"id": str(mast), "kind": "mast", "status": "in_service", "owner": "VIETTEL", "commune": ANY}
        assert await rows(VNPT, fields=["tenant"], expand=["structure"]) == [{"tenant": "VNPT", "structure": known}]


async def test_recorded_time_of_one_agreement_never_steps_back(province: Province):
    mast = await province.mast()
    made = await province.agree(mast, since=DAY, now=datetime(2026, 11, 20, tzinfo=UTC))
    async with province.database.tx() as tx:
        await terminate(tx, VIETTEL, made.id, date(2026, 1, 1), "x", now=datetime(2026, 11, 19, tzinfo=UTC))
        first, second = await queries.changes(tx, made.id)
    assert second.recorded_at > first.recorded_at
