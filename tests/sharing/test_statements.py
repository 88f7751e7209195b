"""Sealed statements: what may be sealed, numbers without a gap, and the same figure years later."""

import asyncio
import io
import json
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pypdf
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.exc import DBAPIError
from typer.testing import CliRunner

from kernel.db import Database
from kernel.direct import bare
from kernel.seals import Seal, checked
from services.sharing.__main__ import cli
from services.sharing.commands import copies, proof, statements
from services.sharing.commands.agreements import correct
from services.sharing.commands.publish import publish_shipped
from services.sharing.commands.verification import verify
from services.sharing.data import definitions
from services.sharing.domain.refusals import NotAllKnownYet, SealedAlready
from services.sharing.domain.statement import Line, differences, tallied
from services.sharing.queries import ratios
from services.sharing.queries import statements as queries
from tests.fixtures.servers import ServiceDatabase
from tests.fixtures.service import RolledBack
from tests.sharing import tellings
from tests.sharing.conftest import AUDITOR, NOW, VIETTEL, Province, seal_file

API = "/api/sharing/v1"
People = dict[str, dict[str, str]]
DAY = {"as_of": "2026-10-31"}
BEFORE = NOW - timedelta(hours=1)


# Rules

LINES = st.builds(
    Line,
    st.uuids().map(str),
    st.sampled_from(["A", "B", "C"]),
    st.just("VIETTEL"),
    st.sampled_from(["", "32005@2023"]),
    st.booleans(),
    st.booleans(),
    st.sampled_from(["shared", "single_enterprise"]),
    st.just(()),
)


@pytest.mark.unit
@given(st.lists(LINES, max_size=8, unique_by=lambda line: line.structure_id))
def test_lines_differ_exactly_where_they_are_not_the_same(lines: list[Line]) -> None:
    sealed = {line.structure_id: line for line in lines}
    assert differences(sealed, dict(sealed)) == []
    for line in lines:
        changed = {**sealed, line.structure_id: line._replace(shared=not line.shared)}
        assert [one.structure_id for one in differences(sealed, changed)] == [line.structure_id]
        assert tallied(changed.values()).lists() != tallied(lines).lists()
        gone = {key: value for key, value in sealed.items() if key != line.structure_id}
        assert [(one.sealed, one.now) for one in differences(sealed, gone)] == [(line, None)]


# Sealing


async def sealed(client: httpx.AsyncClient, people: People, **body: Any) -> dict[str, Any]:
    answer = await client.post(f"{API}/statements", json={**DAY, **body}, headers=people["auditor"])
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = (await client.get(answer.headers["Location"], headers=people["auditor"])).json()
    return told


async def verified(client: httpx.AsyncClient, people: People, statement: dict[str, Any]) -> dict[str, Any]:
    answer = await client.get(f"{API}/statements/{statement['id']}/verification", headers=people["auditor"])
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.database
async def test_a_statement_holds_figure_lists_signature_and_paper(client, people, province, tmp_path) -> None:
    shared = await province.mast()
    await province.agree(shared, "VNPT", now=BEFORE)
    await province.mast("VNPT")
    await province.mast(status="planned")
    await province.complete()
    told = await sealed(client, people)
    assert (told["number"], told["shared"], told["counted"], told["percent"]) == ("1/2026", 1, 2, "50.00")
    assert datetime.fromisoformat(told["known_at"]) == NOW - timedelta(seconds=1)
    assert {side: each["count"] for side, each in told["content"]["lists"].items()} == {
        "numerator": 1, "denominator": 2, "excluded": 1,
    }  # fmt: skip
    said, signer = checked(told["seal"], told["content"])
    assert (said["shared"], signer.development) == (1, True)
    assert told["content"]["by_owner"] == [
        {"key": "VIETTEL", "shared": 1, "counted": 1}, {"key": "VNPT", "shared": 0, "counted": 1},
    ]  # fmt: skip
    check = await verified(client, people, told)
    assert (check["holds"], check["faults"], check["shared"], check["counted"]) == (True, [], 1, 2)
    lines = await client.get(f"{API}/statements/{told['id']}/lines?side=numerator", headers=people["auditor"])
    assert [line["reason"] for line in lines.json()["items"]] == ["shared"]
    paper = await client.get(f"{API}/statements/{told['id']}/paper", headers=people["viettel"])
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(paper.content)).pages)
    assert "50,00%" in text
    assert "1/2026" in text
    assert b"/ByteRange" in paper.content
    file = tmp_path / "statement.json"
    file.write_text(json.dumps(told, ensure_ascii=False))
    assert CliRunner().invoke(cli, ["check-statement", str(file)]).exit_code == 0
    told["content"]["shared"] = 2
    file.write_text(json.dumps(told))
    assert CliRunner().invoke(cli, ["check-statement", str(file)]).exit_code == 1


@pytest.mark.database
async def test_only_what_every_copy_holds_can_be_sealed(client, people, province) -> None:
    await province.mast()
    post = {"url": f"{API}/statements", "headers": people["auditor"]}
    assert (await client.post(json=DAY, **post)).json()["code"] == "NotAllKnownYet"
    await province.complete(NOW - timedelta(days=2))
    early = await client.post(json={**DAY, "known_at": "2026-11-19T00:00:00Z"}, **post)
    assert (early.status_code, early.json()["code"], early.headers["Retry-After"]) == (409, "NotAllKnownYet", "5")
    told = await sealed(client, people)
    assert datetime.fromisoformat(told["known_at"]) == NOW - timedelta(days=2)
    late = await client.post(json={"as_of": "2026-11-20"}, **post)
    assert (late.status_code, late.json()["errors"][0]["pointer"]) == (422, "/as_of")
    nothing = await client.post(json={**DAY, "kind": "duct"}, **post)
    assert nothing.json()["code"] == "NothingCounted"
    # What was refused took no number.
    assert (await client.post(json=DAY, **post)).json()["code"] == "SealedAlready"
    assert (await sealed(client, people, as_of="2026-10-30"))["number"] == "2/2026"


@pytest.mark.database
async def test_a_writer_under_way_holds_the_seal_back(fresh_database: Callable[[str], ServiceDatabase]) -> None:
    database = Database(fresh_database("sharing").url, 3)
    province = Province(database)
    await province.prepare()
    await province.mast()
    now = datetime.now(UTC)
    await province.complete(now)
    async with database.tx() as writing:
        await writing.execute(sa.text("SELECT pg_current_xact_id()"))
        await asyncio.sleep(0.05)
        async with database.read() as read:
            while_writing = await queries.settled_to(read, now)
    async with database.read() as read:
        after = await queries.settled_to(read, now)
    assert while_writing < after <= now - timedelta(seconds=1)
    await database.close()


@pytest.mark.database
async def test_two_at_once_take_two_numbers_and_a_failure_leaves_no_gap(
    fresh_database: Callable[[str], ServiceDatabase],
) -> None:
    database = Database(fresh_database("sharing").url, 4)
    province = Province(database)
    await province.prepare()
    await province.mast()
    await province.complete()
    key = Seal(seal_file(), "secret")

    async def seal(day: date, *, fail: bool = False) -> str:
        async with database.tx() as tx:
            scope = await ratios.scope(
                tx, actor=AUDITOR, kind="mast", as_of=day, known_at=NOW - timedelta(days=1), now=NOW
            )
            made = await statements.seal(tx, AUDITOR, scope, key, str, now=NOW)
            if fail:
                raise RuntimeError
            return made.number

    with pytest.raises(RuntimeError):
        await seal(date(2026, 10, 1), fail=True)
    numbers = await asyncio.gather(seal(date(2026, 10, 1)), seal(date(2026, 10, 2)))
    assert sorted(numbers) == ["1/2026", "2/2026"]
    same = await asyncio.gather(*(seal(date(2026, 10, 3)) for _ in range(3)), return_exceptions=True)
    assert sorted(map(str, same), key=len)[0] == "3/2026"
    assert [type(each) for each in same].count(SealedAlready) == 2
    async with database.read() as read:
        told = (await read.execute(sa.text("SELECT envelope->>'type' FROM outbox"))).scalars().all()
    assert told == ["sharing.statement.sealed.v1"] * 3
    assert await proof.faults(database) == []
    await database.close()


# Years later


@pytest.mark.database
async def test_a_statement_survives_corrections_mergers_and_a_new_definition(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    corrected = await province.mast()
    agreement = await province.agree(corrected, "VNPT", since=date(2024, 1, 1), now=BEFORE)
    await province.mast("VINAPHONE")
    await province.complete()
    told = await sealed(client, people)
    state = client.app.state  # type: ignore[attr-defined]
    later = NOW + timedelta(days=400)
    state.clock = lambda: later
    async with database.tx() as tx:
        # The agreement never was, the mast had another owner, VNPT and VIETTEL became one, the communes were merged.
        change = (await tx.execute(sa.text("SELECT id FROM agreement_change"))).scalar_one()
        await correct(tx, VIETTEL, agreement.id, change, None, "Ghi nhầm", now=later)
        founded = tellings.register(date(2000, 1, 1), kind="operator", legal_entity="VNPT")
        merged = tellings.change(2, "change", date(2020, 1, 1), {"legal_entity": "VIETTEL"}, at=later)
        await copies.store_organisations(tx, tellings.organisation_items("VNPT", [founded, merged]))
        mast = next(one for one in definitions() if one.id == "mast.declared.1")
        newer = mast.model_copy(update={"version": 9, "minimum": 3, "valid_from": date(2001, 1, 1)})
        await publish_shipped(tx, [newer], [], now=later)
    at_once = await client.get(f"{API}/ratios?as_of=2026-10-31&definition=mast.declared.1", headers=people["auditor"])
    assert at_once.json()["shared"] == 0
    check = await verified(client, people, told)
    assert (check["faults"], check["shared"]) == ([], 1)


@pytest.mark.database
async def test_whoever_alters_the_history_is_found_and_what_he_altered_is_named(
    client: httpx.AsyncClient, people: People, province: Province, database: RolledBack
) -> None:
    mast = await province.mast()
    await province.agree(mast, "VNPT", now=BEFORE)
    other = await province.mast("VNPT")
    await province.complete()
    told = await sealed(client, people)

    async def after(*altering: str) -> dict[str, Any]:
        assert database._connection is not None
        driver = await bare(database._connection)
        await driver.execute("SAVEPOINT altered")
        for statement in altering:
            await driver.execute(statement)
        found = await verified(client, people, told)
        await driver.execute("ROLLBACK TO SAVEPOINT altered")
        return found

    found = await after(f"UPDATE structure_copy SET status = 'planned' WHERE id = '{other}'")
    assert found["faults"] == ["history"]
    assert [(one["id"], one["sealed"]["counted"], one["now"]["counted"]) for one in found["differences"]] == [
        (str(other), True, False)
    ]
    found = await after(f"DELETE FROM structure_copy WHERE id = '{other}'")
    assert [one["now"] for one in found["differences"]] == [None]
    assert (await after("UPDATE ratio_delta SET num = 0"))["faults"] == ["figure"]


@pytest.mark.database
async def test_what_is_sealed_cannot_be_altered_by_us_and_shows_when_the_owner_does(
    fresh_database: Callable[[str], ServiceDatabase],
) -> None:
    where = fresh_database("sharing")
    database = Database(where.url, 3)
    province = Province(database)
    await province.prepare()
    await province.mast()
    await province.complete()
    async with database.tx() as tx:
        scope = await ratios.scope(
            tx, actor=AUDITOR, kind="mast", as_of=date(2026, 10, 1), known_at=NOW - timedelta(days=1), now=NOW
        )
        made = await statements.seal(tx, AUDITOR, scope, Seal(seal_file(), "secret"), str, now=NOW)
    with pytest.raises(DBAPIError, match="permission denied"):
        async with database.tx() as tx:
            await tx.execute(sa.text("UPDATE statement SET counted = 2"))
    owner = await asyncpg.connect(where.owner_url)
    for altering, faults in (
        ("UPDATE statement_line SET shared = NOT shared", ("lines", "history")),
        ("UPDATE statement SET counted = 2", ("content",)),
        ("UPDATE statement SET counted = 2, content = jsonb_set(content, '{counted}', '2')", ("signature", "figure")),
        ("""UPDATE definition SET content = jsonb_set(content, '{note,vi}', '"x"')""", ("definition",)),
    ):
        changing = owner.transaction()
        await changing.start()
        await owner.execute(altering)
        await changing.commit()
        async with database.read() as read:
            assert (await verify(read, made.id, actor=AUDITOR)).faults == faults, altering
        undone = altering.replace("counted = 2", "counted = 1").replace("'2'", "'1'")
        await owner.execute(undone)
    await owner.close()
    await database.close()


# Pages


@pytest.mark.database
async def test_an_auditor_seals_what_the_board_shows_and_proves_it(client, people, province) -> None:
    shared = await province.mast()
    await province.agree(shared, "VNPT", now=BEFORE)
    await province.complete()
    who = people["auditor"]
    empty = await client.get("/sharing/statements", headers=who)
    assert "Chưa có số liệu nào được chốt" in empty.text
    board = await client.get("/sharing/ratio?as_of=31/10/2026", headers=who)
    assert "/sharing/statements/new" in board.text
    asked = await client.get("/sharing/statements/new?as_of=31/10/2026", headers=who)
    assert "Chốt số liệu này?" in asked.text
    form = {"_csrf": BeautifulSoup(asked.text, "html.parser").select_one("form.am-confirm input[name=_csrf]")["value"]}
    made = await client.post("/sharing/statements/new?as_of=31/10/2026", data=form, headers=who)
    assert made.status_code == 303, made.text
    path = made.headers["Location"].partition("?")[0]
    page = await client.get(path, headers=who)
    assert "Bản chốt số 1/2026" in page.text
    assert "100,00%" in page.text
    proved = await client.get(f"{path}?check=1", headers=who)
    assert "Đúng: chữ ký khớp" in proved.text
    for other in ("viettel", "reviewer"):
        seen = await client.get(f"{path}?check=1", headers=people[other])
        assert seen.status_code == 200
        assert "Kiểm chứng lại" not in seen.text
        assert "Đúng: chữ ký khớp" not in seen.text
    refused = await client.post("/sharing/statements/new?as_of=20/11/2027", data=form, headers=who)
    assert refused.status_code == 422
    file = await client.get(f"{path}/file", headers=people["viettel"])
    assert checked(file.json()["seal"], file.json()["content"])
    listed = await client.get("/sharing/statements", headers=people["viettel"])
    assert "1/2026" in listed.text


@pytest.mark.database
async def test_what_is_shown_is_sealed_and_sent_twice_it_is_sealed_once(client, people, province) -> None:
    shared = await province.mast()
    await province.complete()
    who = people["auditor"]
    asked = await client.get("/sharing/statements/new", headers=who)
    fields = BeautifulSoup(asked.text, "html.parser").select(
        "form.am-confirm input[type=hidden], form.am-confirm [name=_csrf]"
    )
    form = {field["name"]: field["value"] for field in fields}
    assert datetime.fromisoformat(form["at"]) == NOW - timedelta(seconds=1)
    # A minute later more is known: it is not in what was shown, and so not in what is sealed.
    later = NOW + timedelta(minutes=1)
    client.app.state.clock = lambda: later
    await province.agree(shared, "VNPT", now=NOW + timedelta(seconds=5))
    first = await client.post("/sharing/statements/new", data=form, headers=who)
    assert first.status_code == 303, first.text
    again = await client.post("/sharing/statements/new", data=form, headers=who)
    assert again.status_code == 409
    assert "đã được chốt với số 1/2026" in again.text
    (told,) = (await client.get(f"{API}/statements", headers=who)).json()["items"]
    assert (told["shared"], told["counted"]) == (0, 1)
    assert datetime.fromisoformat(told["known_at"]) == NOW - timedelta(seconds=1)


@pytest.mark.database
async def test_without_a_key_nothing_is_sealed(client, people, province) -> None:
    await province.mast()
    await province.complete()
    state = client.app.state
    state.settings = state.settings.model_copy(update={"seal_file": None})
    answer = await client.post(f"{API}/statements", json=DAY, headers=people["auditor"])
    assert (answer.status_code, answer.json()["code"]) == (503, "SealMissing")
    asked = await client.get("/sharing/statements/new?as_of=31/10/2026", headers=people["auditor"])
    form = {"_csrf": BeautifulSoup(asked.text, "html.parser").select_one("form.am-confirm input[name=_csrf]")["value"]}
    page = await client.post("/sharing/statements/new?as_of=31/10/2026", data=form, headers=people["auditor"])
    assert page.status_code == 503


def test_the_refusal_says_until_when() -> None:
    assert "2026" in NotAllKnownYet(known="2026-11-20", settled="2026-11-19").say(str)
