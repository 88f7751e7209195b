"""The round of reports: prefilled, answered, submitted, late, settled, put together."""

import asyncio
import io
import zipfile
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest
import sqlalchemy as sa
from bs4 import BeautifulSoup
from hypothesis import given
from hypothesis import strategies as st

from kernel.db import Database
from kernel.export import XLSX
from services.sharing import data
from services.sharing.commands import copies, report_rounds, reports
from services.sharing.domain import reporting
from tests.fixtures.servers import ServiceDatabase
from tests.fixtures.service import RolledBack
from tests.sharing import tellings
from tests.sharing.conftest import AUDITOR, NOW, VNPT, Province
from tests.sharing.conftest import VIETTEL as VIETTEL_OWNER

API = "/api/sharing/v1"
People = dict[str, dict[str, str]]
RULE = data.reporting().rules[0]
DUE = date(2026, 12, 15)
SITE = "https://cotanten.example"


# Rules


@pytest.mark.unit
@pytest.mark.parametrize(
    ("day", "expected"), [("11-29", None), ("11-30", 14), ("12-10", 7), ("12-13", 1), ("12-14", 0), ("12-20", -1)]
)
def test_the_reminder_of_a_day_is_the_latest_whose_day_has_come(day: str, expected: int | None) -> None:
    assert reporting.stage(DUE, RULE.remind, date.fromisoformat(f"2026-{day}")) == expected


@pytest.mark.unit
@given(st.lists(st.integers(-3, 40), max_size=6), st.integers(-60, 60))
def test_reminders_only_go_forward(remind: list[int], offset: int) -> None:
    day = DUE + timedelta(days=offset)
    now, later = (reporting.stage(DUE, remind, each) for each in (day, day + timedelta(days=1)))
    assert now is None or (later is not None and later <= now)


@pytest.mark.unit
@pytest.mark.parametrize(
    ("kind", "claims", "note", "expected"),
    [
        ("structure", {"height_m": "42,50"}, "", {"height_m": "42.5"}),
        ("structure", {"height_m": "NaN"}, "", "/claims/height_m"),
        ("structure", {"height_m": "-1"}, "", "/claims/height_m"),
        ("structure", {"status": "planned"}, "", "/claims/status"),
        ("structure", {"colour": "red"}, "", "/claims/colour"),
        ("structure", {}, "  ", "/claims"),
        ("structure", {}, "Cột đã đổ", {}),
        ("tenancy", {"ended_on": "2026-02-30"}, "", "/claims/ended_on"),
        ("letting", {"status": "never"}, "", {"status": "never"}),
        ("station", {"technologies": "5g 4G"}, "", {"technologies": "4G, 5G"}),
        ("station", {"technologies": "6G"}, "", "/claims/technologies"),
        ("missing", {"thing": "structure"}, "x", "/claims/name"),
    ],
)
def test_a_claim_is_read_or_its_fault_is_named(
    kind: str, claims: dict[str, str], note: str, expected: dict[str, str] | str
) -> None:
    read, faults = reporting.read_claims(kind, claims, note)
    assert ([fault.pointer for fault in faults] == [expected]) if isinstance(expected, str) else read == expected


# The round

OPENED = datetime(2026, 11, 15, 2, 0, tzinfo=UTC)


async def rows(database: Database, statement: str, **values: Any) -> list[Any]:
    async with database.read() as read:
        return list((await read.execute(sa.text(statement), values)).all())


@pytest.fixture
async def told(province: Province, database: RolledBack) -> Province:
    """Viettel owns two masts, one rented to VNPT, which has a station on it; the yearly round has opened."""
    province.shared = await province.mast(more=())  # type: ignore[attr-defined]
    province.other = await province.mast()  # type: ignore[attr-defined]
    await province.mast(status="permitted")
    await province.agree(province.shared)  # type: ignore[attr-defined]
    await province.station(province.shared, "VNPT")  # type: ignore[attr-defined]
    async with database.tx() as tx:
        assert await report_rounds.open_due(tx, now=NOW) == 0, "the copy may lack something still"
    await province.complete()
    async with database.tx() as tx:
        assert await report_rounds.open_due(tx, now=NOW) == 1
        assert await report_rounds.open_due(tx, now=NOW) == 0
    return province


async def report_of(client: httpx.AsyncClient, header: dict[str, str]) -> dict[str, Any]:
    answer = await client.get(f"{API}/reports", headers=header)
    assert answer.status_code == 200, answer.text
    (report,) = answer.json()["items"]
    return dict(report)


async def send(client: httpx.AsyncClient, path: str, body: Any, header: dict[str, str]) -> httpx.Response:
    return await client.post(
        f"{API}{path}", json=body, headers={"If-Match": "*", **header, "Idempotency-Key": str(uuid4())}
    )


@pytest.mark.database
async def test_the_round_opens_by_itself_and_finds_everything_written_down(
    told: Province, client: httpx.AsyncClient, people: People
) -> None:
    cycles = (await client.get(f"{API}/report-cycles", headers=people["auditor"])).json()["items"]
    assert [(one["rule"], one["year"], one["as_of"], one["last_good_day"]) for one in cycles] == [
        ("annual", 2026, "2026-11-15", "2026-12-14")
    ]
    # The brand of VNPT, the power company and the tower company report, too; a department does not.
    assert cycles[0]["reports"] == 6
    viettel = await report_of(client, people["viettel"])
    assert (viettel["org"], viettel["standing"], viettel["lines"], viettel["open"]) == ("VIETTEL", "open", 3, 3)
    lines = (await client.get(f"{API}/report-lines", headers=people["viettel"])).json()["items"]
    assert [(one["no"], one["kind"], one["told"].get("shared")) for one in lines] == [
        (1, "structure", True), (2, "structure", False), (3, "letting", None),
    ]  # fmt: skip
    assert lines[2]["told"]["tenant"] == "VNPT"
    vnpt = (await client.get(f"{API}/report-lines", headers=people["vnpt"])).json()["items"]
    assert [one["kind"] for one in vnpt] == ["tenancy", "station"]
    everything = (await client.get(f"{API}/report-lines?total=true", headers=people["auditor"])).json()
    assert everything["total"] == 5


@pytest.mark.database
async def test_nobody_sees_or_answers_for_another(told: Province, client: httpx.AsyncClient, people: People) -> None:
    viettel = await report_of(client, people["viettel"])
    for who in ("vnpt", "mobifone"):
        assert (await client.get(f"{API}/reports/{viettel['id']}", headers=people[who])).status_code == 404
        answer = await send(client, f"/reports/{viettel['id']}/submissions", {}, people[who])
        assert answer.status_code == 404
    one = {"items": [{"line": 1, "answer": "confirmed"}]}
    assert (await send(client, f"/reports/{viettel['id']}/answers", one, people["auditor"])).status_code == 403
    forms = await client.get(f"{API}/report-cycles/{viettel['cycle_id']}/consolidation", headers=people["viettel"])
    assert forms.status_code == 403


@pytest.mark.database
async def test_a_report_is_answered_submitted_and_its_disputes_are_settled(
    told: Province, client: httpx.AsyncClient, people: People, database: RolledBack
) -> None:
    viettel = await report_of(client, people["viettel"])
    path = f"/reports/{viettel['id']}"
    early = await send(client, f"{path}/submissions", {}, people["viettel"])
    assert (early.status_code, early.json()["code"]) == (409, "LinesOpen")
    assert "3 dòng" in early.json()["detail"]
    wrong = {
        "items": [{"line": 9, "answer": "confirmed"}, {"line": 1, "answer": "disputed", "claims": {"height_m": "x"}}]
    }
    refused = await send(client, f"{path}/answers", wrong, people["viettel"])
    assert refused.status_code == 422
    assert [one["pointer"] for one in refused.json()["errors"]] == ["/items/0/line", "/items/1/claims/height_m"]
    stale = await send(client, f"{path}/answers", wrong, {**people["viettel"], "If-Match": '"7"'})
    assert stale.status_code == 412
    dispute = {"items": [{"line": 2, "answer": "disputed", "claims": {"status": "dismantled"}, "note": "Đã hạ cột"}]}
    answered = await send(client, f"{path}/answers", dispute, {**people["viettel"], "If-Match": '"0"'})
    assert answered.status_code == 201, answer_text(answered)
    assert answered.headers["ETag"] == '"1"'
    assert (await send(client, f"{path}/confirmation", {}, people["viettel"])).status_code == 201
    missing = {"claims": {"thing": "structure", "name": "Cột Khánh An 3"}, "note": ""}
    added = await send(client, f"{path}/lines", missing, people["viettel"])
    assert (added.status_code, added.json()["line"]) == (201, 4)
    assert (await send(client, f"{path}/submissions", {}, people["viettel"])).status_code == 201
    again = await send(client, f"{path}/submissions", {}, people["viettel"])
    assert again.json()["code"] == "NothingNew"
    report = (await client.get(f"{API}{path}", headers=people["viettel"])).json()
    assert (report["standing"], report["versions"], report["unsettled"]) == ("submitted", 1, 2)
    kept = (await client.get(f"{API}{path}/submissions/1", headers=people["auditor"])).json()
    assert [line["answer"] for line in kept["content"]["lines"]] == ["confirmed", "disputed", "confirmed", "disputed"]

    open_disputes = {"cycle_id": report["cycle_id"], "settled": "false"}
    work = (await client.get(f"{API}/report-lines", params=open_disputes, headers=people["auditor"])).json()["items"]
    assert [(one["no"], one["mended"]) for one in work] == [(2, False), (4, None)]
    bare = await send(client, f"{path}/lines/2/settlement", {"outcome": "rejected"}, people["auditor"])
    assert bare.json()["code"] == "ReasonMissing"
    confirmed = await send(client, f"{path}/lines/1/settlement", {"outcome": "accepted"}, people["auditor"])
    assert confirmed.json()["code"] == "LineNotDisputed"
    settled = await send(client, f"{path}/lines/2/settlement", {"outcome": "accepted"}, people["auditor"])
    assert (settled.status_code, settled.json()["mended"]) == (201, False)
    # The register says so, too: the dispute has become a correction.
    number = work[0]["public_no"]
    first = tellings.register(date(2020, 1, 1), owner="VIETTEL", status="in_service", commune="32005@2023")
    down = tellings.change(2, "change", date(2026, 11, 1), {"status": "dismantled"})
    async with database.tx() as tx:
        items = tellings.structure_items(told.other, number, [first, down], kind="mast", name="Cột 2")  # type: ignore[attr-defined]
        await copies.store_structures(tx, items)
    (line,) = (
        await client.get(f"{API}/report-lines", params={**open_disputes, "settled": "true"}, headers=people["viettel"])
    ).json()["items"]
    assert line["mended"] is True
    # Said anew it is a dispute again, and a second version is kept beside the first.
    assert (await send(client, f"{path}/answers", dispute, people["viettel"])).status_code == 201
    other = {"items": [{"line": 2, "answer": "confirmed"}]}
    assert (await send(client, f"{path}/answers", other, people["viettel"])).status_code == 201
    assert (await send(client, f"{path}/submissions", {}, people["viettel"])).status_code == 201
    report = (await client.get(f"{API}{path}", headers=people["viettel"])).json()
    assert [one["no"] for one in report["submissions"]] == [2, 1]


def answer_text(answer: httpx.Response) -> str:
    return f"{answer.status_code} {answer.text[:500]}"


@pytest.mark.database
async def test_whoever_gave_an_address_is_reminded_by_mail_once_a_stage(
    told: Province, client: httpx.AsyncClient, people: People, database: RolledBack
) -> None:
    contact = {"address": "baocao@viettel.example.vn", "name": "Phòng Hạ tầng"}
    for address in ("x", "a@localhost", "a@b.vn\r\nBcc: c@d.vn"):
        refused = await client.post(f"{API}/report-contacts", json={"address": address}, headers=people["viettel"])
        assert (refused.status_code, refused.json()["code"]) == (422, "AddressUnsendable")
    assert (await client.post(f"{API}/report-contacts", json=contact, headers=people["viettel"])).status_code == 201
    seen = {}
    for who in ("viettel", "vnpt", "auditor"):
        listed = (await client.get(f"{API}/report-contacts", headers=people[who])).json()["items"]
        seen[who] = [row["org"] for row in listed]
    assert seen == {"viettel": ["VIETTEL"], "vnpt": [], "auditor": ["VIETTEL"]}
    for day in ("11-30", "11-30", "12-07", "12-16"):
        async with database.tx() as tx:
            await report_rounds.remind(tx, site=SITE, now=datetime.fromisoformat(f"2026-{day}T02:00:00+00:00"))
    mails = await rows(database, "SELECT address, subject, text FROM mail ORDER BY recorded_at")
    assert [mail.address for mail in mails] == [contact["address"]] * 3
    assert "14/12/2026" in mails[0].subject
    assert f"{SITE}/sharing/reports/" in mails[0].text
    assert "đã quá hạn" in mails[2].subject
    form = field_of(
        BeautifulSoup((await client.get("/sharing/reports", headers=people["viettel"])).text, "html.parser")
    )
    gone = await client.post("/sharing/reports/contact", data={"_csrf": form, "address": ""}, headers=people["viettel"])
    assert gone.status_code == 303
    assert (await client.get(f"{API}/report-contacts", headers=people["viettel"])).json()["items"] == []


@pytest.mark.database
async def test_what_comes_late_is_taken_marked_and_reminded_of(
    told: Province, client: httpx.AsyncClient, people: People, database: RolledBack
) -> None:
    for day, stages in (("11-20", 0), ("11-30", 1), ("11-30", 1), ("12-07", 2), ("12-16", 3)):
        async with database.tx() as tx:
            await report_rounds.remind(
                tx, site="https://cotanten.vn", now=datetime.fromisoformat(f"2026-{day}T02:00:00+00:00")
            )
        noted = await rows(
            database, "SELECT 1 FROM report_reminder m JOIN report r ON r.id = m.report_id WHERE org = 'VNPT'"
        )
        assert len(noted) == stages, day
    late = datetime(2026, 12, 14, 17, 0, tzinfo=UTC)
    client.app.state.clock = lambda: late  # type: ignore[attr-defined]
    vnpt = await report_of(client, people["vnpt"])
    assert vnpt["standing"] == "overdue"
    path = f"/reports/{vnpt['id']}"
    await send(client, f"{path}/confirmation", {}, people["vnpt"])
    assert (await send(client, f"{path}/submissions", {}, people["vnpt"])).status_code == 201
    found = await client.get(f"{API}/reports", params={"standing.in": "late,overdue"}, headers=people["auditor"])
    standings = {one["org"]: one["standing"] for one in found.json()["items"]}
    assert standings["VNPT"] == "late"
    assert set(standings.values()) == {"late", "overdue"}
    (cycle,) = (await client.get(f"{API}/report-cycles", headers=people["auditor"])).json()["items"]
    assert (cycle["submitted"], cycle["late"]) == (1, 6)
    # Where the 15th is still good, it was in time: whether it is late is data of the round.
    async with database.tx() as tx:
        await tx.execute(sa.text("UPDATE report_cycle SET late_on = '2026-12-16'"))
    assert (await report_of(client, people["vnpt"]))["standing"] == "submitted"
    closed = await send(client, f"/report-cycles/{cycle['id']}/closure", {}, people["auditor"])
    assert closed.status_code == 201
    assert (await send(client, f"/report-cycles/{cycle['id']}/closure", {}, people["auditor"])).status_code == 409
    refused = await send(client, f"{path}/submissions", {}, people["vnpt"])
    assert refused.json()["code"] == "CycleClosed"


@pytest.mark.database
async def test_the_forms_add_up_in_each_form_of_answer(
    told: Province, client: httpx.AsyncClient, people: People
) -> None:
    viettel = await report_of(client, people["viettel"])
    dispute = {"items": [{"line": 2, "answer": "disputed", "claims": {"height_m": "80", "code": "A1"}}]}
    await send(client, f"/reports/{viettel['id']}/answers", dispute, people["viettel"])
    path = f"{API}/report-cycles/{viettel['cycle_id']}/consolidation"

    async def forms() -> dict[int, Any]:
        answer = await client.get(path, headers=people["auditor"])
        assert answer.status_code == 200, answer_text(answer)
        return {form["no"]: form for form in answer.json()["forms"]}

    before = await forms()
    assert sorted(before) == list(range(35, 44))
    assert sum(row["masts"] for row in before[36]["rows"]) == 2
    columns = ("org", "masts", "shared_masts", "let", "rented")
    synthesis = [tuple(row[name] for name in columns) for row in before[39]["rows"]]
    counted = {row[0]: row[1:] for row in synthesis}
    assert (counted.pop("VIETTEL"), counted.pop("VNPT")) == ((2, 1, 1, 0), (0, 0, 0, 1))
    assert sorted(counted) == ["MOBIFONE", "OCK", "PCCM", "VINAPHONE"]
    assert set(counted.values()) == {(0, 0, 0, 0)}
    assert [(row["technology"], row["stations"]) for row in before[37]["rows"]] == [("4G", 1)]
    assert [(row["status"], row["masts"]) for row in before[41]["rows"]] == [("permitted", 1)]
    assert not before[38]["held"]
    await send(client, f"/reports/{viettel['id']}/lines/2/settlement", {"outcome": "accepted"}, people["auditor"])
    after = await forms()
    assert ("A1", 75, 150) in {(r["code"], r["height_from"], r["height_to"]) for r in after[36]["rows"]}
    # What was accepted counts everywhere: another owner, another commune, an agreement that was over.
    claims = {2: {"owner": "MOBIFONE", "commune": "32128@2023"}, 3: {"ended_on": "2026-11-01"}}
    said = {"items": [{"line": no, "answer": "disputed", "claims": each} for no, each in claims.items()]}
    await send(client, f"/reports/{viettel['id']}/answers", said, people["viettel"])
    for no in claims:
        await send(
            client, f"/reports/{viettel['id']}/lines/{no}/settlement", {"outcome": "accepted"}, people["auditor"]
        )
    last = await forms()
    owners = {row["org"]: (row["masts"], row["let"]) for row in last[39]["rows"]}
    assert (owners["VIETTEL"], owners["MOBIFONE"]) == ((1, 0), (1, 0))
    assert len({row["unit"] for row in last[36]["rows"]}) == 2
    sheet = await client.get(path, headers={**people["auditor"], "Accept": XLSX})
    book = zipfile.ZipFile(io.BytesIO(sheet.content))
    assert len([name for name in book.namelist() if name.startswith("xl/worksheets/sheet")]) == 10
    paper = await client.get(path, headers={**people["auditor"], "Accept": "application/pdf"})
    assert paper.content.startswith(b"%PDF-")


@pytest.mark.database
async def test_what_nobody_answered_is_filled_in_anew(
    told: Province, client: httpx.AsyncClient, people: People
) -> None:
    viettel = await report_of(client, people["viettel"])
    await told.mast()
    await told.mast("MOBIFONE")
    one = {"items": [{"line": 1, "answer": "confirmed"}]}
    await send(client, f"/reports/{viettel['id']}/answers", one, people["viettel"])
    assert (await send(client, f"/report-cycles/{viettel['cycle_id']}/renewal", {}, people["vnpt"])).status_code == 403
    renewed = await send(client, f"/report-cycles/{viettel['cycle_id']}/renewal", {}, people["auditor"])
    assert renewed.json()["reports"] == 5
    assert (await report_of(client, people["viettel"]))["lines"] == 3
    assert (await report_of(client, people["mobifone"]))["lines"] == 1
    vnpt = await report_of(client, people["vnpt"])
    assert (vnpt["lines"], vnpt["version"]) == (2, 1)
    lines = (await client.get(f"{API}/report-lines", headers=people["vnpt"])).json()["items"]
    assert [line["no"] for line in lines] == [3, 4], "no number means another line than before"
    stale = await send(client, f"/reports/{vnpt['id']}/answers", one, people["vnpt"])
    assert stale.json()["errors"][0]["pointer"] == "/items/0/line"


@pytest.mark.database
async def test_a_report_out_of_turn_has_a_deadline_of_its_own(
    told: Province, client: httpx.AsyncClient, people: People
) -> None:
    body = {"title_vi": "Đột xuất", "as_of": "2026-11-01", "last_good_day": "2026-11-25"}
    refused = await send(client, "/report-cycles", {**body, "last_good_day": "2026-11-19"}, people["auditor"])
    assert refused.json()["code"] == "DayTooEarly"
    refused = await send(client, "/report-cycles", {**body, "as_of": "2026-11-21"}, people["auditor"])
    assert refused.json()["code"] == "DayTooLate"
    assert (await send(client, "/report-cycles", body, people["viettel"])).status_code == 403
    made = await send(client, "/report-cycles", body, people["auditor"])
    assert made.status_code == 201, answer_text(made)
    cycle = made.json()["id"]
    (mine,) = (await client.get(f"{API}/reports", params={"cycle_id": cycle}, headers=people["viettel"])).json()[
        "items"
    ]
    assert (mine["last_good_day"], mine["lines"]) == ("2026-11-25", 3)


@pytest.mark.database
async def test_two_workers_open_one_round_and_two_people_submit_one_version(
    fresh_database: Callable[[str], ServiceDatabase],
) -> None:
    database = Database(fresh_database("sharing").url, 4)
    province = Province(database)
    await province.prepare()
    await province.mast()
    await province.complete()

    async def open_it() -> int:
        async with database.tx() as tx:
            return await report_rounds.open_due(tx, now=NOW)

    assert sorted(await asyncio.gather(open_it(), open_it())) == [0, 1]
    ((report_id,),) = await rows(database, "SELECT id FROM report WHERE org = 'VIETTEL'")

    async def submit() -> str:
        try:
            async with database.tx() as tx:
                await reports.confirm_rest(tx, VIETTEL_OWNER, report_id, now=NOW)
                await reports.submit(tx, VIETTEL_OWNER, report_id, now=NOW)
        except reports.NothingNew:
            return "nothing new"
        return "submitted"

    assert sorted(await asyncio.gather(submit(), submit())) == ["nothing new", "submitted"]
    ((cycle_id, other),) = await rows(database, "SELECT cycle_id, id FROM report WHERE org = 'VNPT'")

    async def renew() -> None:
        async with database.tx() as tx:
            await report_rounds.renew(tx, AUDITOR, cycle_id, now=NOW)

    async def confirm() -> None:
        async with database.tx() as tx:
            await reports.confirm_rest(tx, VNPT, other, now=NOW)

    await asyncio.gather(*(act() for _ in range(5) for act in (renew, confirm)))
    assert len(await rows(database, "SELECT 1 FROM report_version")) == 1
    await database.close()


# The pages


def field_of(page: BeautifulSoup) -> str:
    token = page.select_one("form input[name=_csrf]")
    assert token is not None
    return str(token["value"])


@pytest.mark.database
async def test_the_whole_round_is_played_on_the_pages(
    told: Province, client: httpx.AsyncClient, people: People
) -> None:
    async def page(path: str, who: str) -> BeautifulSoup:
        answer = await client.get(path, headers=people[who])
        assert answer.status_code == 200, answer_text(answer)
        return BeautifulSoup(answer.text, "html.parser")

    async def post(path: str, who: str, shown: BeautifulSoup, **fields: str) -> httpx.Response:
        return await client.post(path, data={"_csrf": field_of(shown), **fields}, headers=people[who])

    rounds = await page("/sharing/reports", "viettel")
    assert "Báo cáo năm 2026" in rounds.text
    assert "Chưa nộp" in rounds.text
    path = str(rounds.select_one("td.k a")["href"])  # type: ignore[index]
    report = await page(path, "viettel")
    assert [row.select_one("td.s").get_text() for row in report.select("tbody tr")] == [  # type: ignore[union-attr]
        "Công trình của mình", "Công trình của mình", "Cho đơn vị khác thuê",
    ]  # fmt: skip
    early = await post(f"{path}/submissions", "viettel", report)
    assert early.status_code == 409
    assert "Còn 3 dòng chưa trả lời" in early.text
    assert (await post(f"{path}/answers", "viettel", report, line="1")).status_code == 303
    form = await page(f"{path}/lines/2", "viettel")
    wrong = await post(f"{path}/lines/2", "viettel", form, height_m="cao")
    assert wrong.status_code == 422
    assert BeautifulSoup(wrong.text, "html.parser").select_one("#e-height_m") is not None
    assert (await post(f"{path}/lines/2", "viettel", form, height_m="45", note="Đo lại")).status_code == 303
    ended = await page(f"{path}/lines/3", "viettel")
    assert (await post(f"{path}/lines/3", "viettel", ended, ended_on="01/11/2026")).status_code == 303
    assert "01/11/2026" in (await page(f"{path}/lines/3", "viettel")).text
    assert (await post(f"{path}/missing", "viettel", form, thing="structure", name="Cột mới")).status_code == 303
    assert (await post(f"{path}/submissions", "viettel", form)).status_code == 303
    assert "Nộp đúng hạn" in (await page(path, "viettel")).text

    round_path = str((await page("/sharing/reports", "auditor")).select_one("td.k a")["href"])  # type: ignore[index]
    office = await page(round_path, "auditor")
    assert "1/6" in office.text
    assert len(office.select("table")[1].select("tbody tr")) == 3
    line = await page(f"{path}/lines/2", "auditor")
    bare = await post(f"{path}/lines/2/settlement", "auditor", line, outcome="rejected")
    assert bare.status_code == 422
    settled = await post(f"{path}/lines/2/settlement", "auditor", line, outcome="accepted")
    assert settled.headers["Location"].startswith(round_path)
    assert "Sổ chưa đính chính" in (await page(f"{path}/lines/2", "viettel")).text
    forms = await page(f"{round_path}/consolidation", "auditor")
    assert "Mẫu số 39" in forms.text
    masts = await page(f"{round_path}/consolidation?form=36", "auditor")
    assert "Mẫu số 36" in masts.text
    for kind, magic in (("xlsx", b"PK"), ("pdf", b"%PDF-")):
        file = await client.get(f"{round_path}/consolidation?as={kind}", headers=people["auditor"])
        assert file.content.startswith(magic)
    closing = await page(f"{round_path}/closure", "auditor")
    assert "Báo cáo còn thiếu" in closing.text
    assert (await post(f"{round_path}/closure", "auditor", closing)).status_code == 303
    assert "Đợt báo cáo đã đóng" in (await page(path, "viettel")).text
    asked = await page("/sharing/reports/new", "auditor")
    refused = await post("/sharing/reports/new", "auditor", asked, title_vi="x", as_of="01/11/2026", last_good_day="1")
    assert refused.status_code == 422
    made = await post(
        "/sharing/reports/new", "auditor", asked, title_vi="x", as_of="01/11/2026", last_good_day="30/11/2026"
    )
    assert made.status_code == 303
    english = await client.get(path, headers={**people["viettel"], "Accept-Language": "en"})
    assert "The round was closed on" in english.text
