"""An import as a job: a file is looked into, set up, checked whole, decided on, recorded step by step."""

import asyncio
import csv
import io
import tempfile
import tracemalloc
import zipfile
from datetime import date

import pytest
import sqlalchemy as sa
import xlsxwriter
from bs4 import BeautifulSoup

from kernel.clock import local_date
from kernel.export import CSV, GEOJSON, XLSX
from kernel.web.forms import form_token
from services.registry import data
from services.registry.app import create
from services.registry.commands import import_work, import_write
from services.registry.domain.files import grids
from services.registry.domain.files.encodings import _TCVN3
from services.registry.domain.files.grids import Reading
from services.registry.domain.files.rows import Reader, Row, Unread, sorted_out
from tests.fixtures.service import client_of
from tests.registry.conftest import body, committing, settings

API = "/api/registry/v1"
IMPORTS, MASTS = f"{API}/imports", f"{API}/masts"
HEAD = "Mã trạm;Chủ sở hữu;Trạng thái;Chiều cao (m);Kinh độ;Vĩ độ;Xã, phường;Ngày đưa vào sử dụng;Loại cột;Hệ mã\n"


def line(
    name, lon="104,8379", lat="9,0478", owner="Viettel", height="45", commune="Thị trấn Sông Đốc, Huyện Trần Văn Thời"
):
    return f"{name};{owner};đang khai thác;{height};{lon};{lat};{commune};01/05/2015;A2b;TT14\n"


class Desk:
    """Somebody who imports: the API's calls with the tags they need, and the worker's steps between them."""

    def __init__(self, client, headers, database):
        self.client, self.headers, self.database = client, headers, database
        self.job, self.tag = {}, ""

    async def ask(self, method, path, status=200, **more):
        answer = await self.client.request(method, path, headers={**self.headers, "If-Match": self.tag}, **more)
        assert answer.status_code == status, answer.text
        if status < 300 and "etag" in answer.headers:
            self.job, self.tag = answer.json(), answer.headers["etag"]
        return answer.json()

    async def send(self, content, kind="mast", status=201, **query):
        return await self.ask("POST", IMPORTS, status, content=content, params={"kind": kind, "name": "f.csv", **query})

    async def work(self, steps=100):
        app = self.client.app
        for _ in range(steps):
            if not await import_work.step(self.database, app.state.clock, app.state.settings):
                break
        return await self.read()

    async def read(self):
        return await self.ask("GET", f"{IMPORTS}/{self.job['id']}")

    async def set_up(self, status=200, **more):
        fields = {one["heading"]: one["field"] for one in self.job["columns"] if one["field"]}
        given = {"fields": fields, "on_duplicate": self.job["on_duplicate"], **more}
        return await self.ask("POST", f"{IMPORTS}/{self.job['id']}/settings", status, json=given)

    async def act(self, act, status=200, **given):
        return await self.ask("POST", f"{IMPORTS}/{self.job['id']}/{act}", status, json=given)

    async def all(self, content, kind="mast", on_duplicate="skip", run=None, **more):
        """From the file to its end, as it stands."""
        await self.send(content, kind, on_duplicate=on_duplicate)
        await self.work()
        await self.set_up(**more)
        await self.work()
        await self.act("run", **(run or {}))
        return await self.work()

    async def told(self, which, **query):
        return (await self.ask("GET", f"{IMPORTS}/{self.job['id']}/{which}", params=query))["items"]


@pytest.fixture
def desk(client, people, database):
    return Desk(client, people["viettel"], database)


async def count(database, table="structure"):
    async with database.read() as session:
        return (await session.execute(sa.text(f"SELECT count(*) FROM {table}"))).scalar_one()


async def test_a_vietnamese_file_is_understood_and_recorded(desk, database, people):
    await desk.send((HEAD + line("CMU-1") + line("CMU-2", lon="104,9", commune="Sông Đốc")).encode("utf-16"))
    assert desk.job["state"] == "received"
    job = await desk.work()
    assert (job["state"], job["errors"], job["reading"]["encoding"]) == ("read", [], "utf-16-le")
    assert {c["heading"]: c["field"] for c in job["columns"]} == {
        "Mã trạm": "name", "Chủ sở hữu": "owner", "Trạng thái": "status", "Chiều cao (m)": "height_m",
        "Kinh độ": "lon", "Vĩ độ": "lat", "Xã, phường": "commune", "Ngày đưa vào sử dụng": "valid_from",
        "Loại cột": "code", "Hệ mã": "code_system",
    }  # fmt: skip
    assert job["columns"][0]["samples"] == ["CMU-1", "CMU-2"]
    await desk.set_up()
    job = await desk.work()
    assert (job["state"], job["plans"], await count(database)) == ("checked", {"new": 2}, 0)
    await desk.act("run")
    job = await desk.work()
    assert (job["state"], job["done"], job["outcomes"]) == ("done", 2, {"new": 2})
    rows = await desk.told("rows")
    assert [row["public_no"][:4] for row in rows] == ["CM-M", "CM-M"]
    (made,) = (await desk.client.get(MASTS, params={"name": "CMU-1"}, headers=people["viettel"])).json()["items"]
    assert (made["owner"], made["commune"], made["code"], made["lon"]) == (
        "VIETTEL",
        "32098@2023",
        ["TT14", "A2b"],
        104.8379,
    )
    async with database.read() as session:
        said = await session.execute(sa.text("SELECT evidence_ref FROM structure_change"))
        assert {one["import"] for one in said.scalars()} == {job["id"]}
    assert await count(database, "import_part") == 0


async def test_every_fault_is_told_and_can_be_taken_along(desk, database, people):
    text = HEAD + line("A") + line("B", height="900") + line("C", owner="VNPT") + line("D", lon="10,5", lat="104,8")
    text += line("E", height="=cmd|x") + line("F", commune="Xã Không Có", height="#N/A") + line("A", lat="9,1")
    text += "\nGhi chú: số liệu đến hết năm 2025;;;;;;;;;\n"
    await desk.send(text.encode())
    await desk.work()
    await desk.set_up()
    job = await desk.work()
    assert (job["plans"], job["rows"]) == ({"refused": 7, "ignored": 1}, 8)
    faults = await desk.told("faults")
    assert {(f["row"], f["column"], f["code"]) for f in faults} == {
        (2, "name", "doubled"), (3, "height_m", "impossible_height"), (4, "owner", "not_yours"),
        (5, "point", "outside_province"), (6, "height_m", "formula"), (7, "commune", "unknown_unit"),
        (7, "height_m", "sheet_error"), (8, "name", "doubled"), (10, "file", "footnote"),
    }  # fmt: skip
    assert {f["detail"] for f in faults if f["code"] == "impossible_height"} == {
        "Chiều cao 900.00 m không thể có; chiều cao nằm giữa 0.5 và 350 m."
    }
    answer = await desk.client.get(f"{IMPORTS}/{job['id']}/faults", headers={**people["viettel"], "Accept": CSV})
    told = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert len(told) == len(faults)
    refused = await desk.act("run", status=409)
    assert refused["code"] == "ImportHasFaults"
    nothing = await desk.act("run", status=409, leave_out_faulty=True)
    assert (nothing["code"], await count(database)) == ("NothingToImport", 0)


async def test_rows_known_already_are_left_replaced_or_succeeded(desk, database, people):
    await desk.all((HEAD + line("A")).encode())
    changed = (HEAD + line("A", height="48")).encode()
    await desk.send(changed)
    await desk.work()
    assert all(one["field"] for one in desk.job["columns"])
    await desk.set_up()
    assert (await desk.work())["plans"] == {"skip": 1}
    assert (await desk.act("run", status=409))["code"] == "NothingToImport"
    job = await desk.all(changed, on_duplicate="replace")
    assert job["outcomes"] == {"replace": 1}
    later = changed.replace(b"01/05/2015", b"2020-03-01").replace(b";48;", b";51;")
    job = await desk.all(later, on_duplicate="new_version")
    assert job["outcomes"] == {"new_version": 1}
    (made,) = (await desk.client.get(MASTS, headers=people["viettel"])).json()["items"]
    history = (await desk.client.get(f"{MASTS}/{made['id']}/history", headers=people["viettel"])).json()
    assert [c["act"] for c in history["changes"]] == ["register", "correct", "change"]
    open_ = [(v["valid_from"], v["height_m"]) for v in history["versions"] if v["recorded_to"] is None]
    assert open_ == [("2015-05-01", "48.00"), ("2020-03-01", "51.00")]
    assert await count(database) == 1


@pytest.mark.parametrize("form", [CSV, XLSX, GEOJSON])
async def test_what_is_exported_comes_back_unchanged(desk, database, people, form):
    for no, more in enumerate([{}, {"height_m": "12.5", "code": None}, {"name": "=SUM(A1)", "capacity": 0}]):
        given = body(**{"name": f"Cột {no}", "point": (104.8 + no / 50, 9.05), **more})
        assert (await desk.client.post(MASTS, json=given, headers=people["viettel"])).status_code == 201
    exported = await desk.client.get(MASTS, headers={**people["viettel"], "Accept": form})
    await desk.send(exported.content, on_duplicate="replace")
    job = await desk.work()
    assert job["errors"] == []
    assert [one["heading"] for one in job["columns"] if not one["field"] and not one["repeats"]] == []
    await desk.set_up()
    job = await desk.work()
    assert (job["plans"], await desk.told("faults")) == ({"unchanged": 3}, [])
    assert await count(database, "structure_change") == 3


async def test_what_stands_near_waits_for_a_decision(desk, database, people):
    known = (await desk.client.post(MASTS, json=body(name="CMU-0412"), headers=people["viettel"])).json()
    hidden = body(name="Kín", owner="VNPT", status="permitted", point=(104.9, 9.0))
    assert (await desk.client.post(MASTS, json=hidden, headers=people["vnpt"])).status_code == 201
    text = (
        HEAD
        + line("CMU 412", lat="9,04785")
        + line("Mới", lon="104,9", lat="9,0")
        + line("Mới 2", lon="104,9001", lat="9,0")
    )
    await desk.send(text.encode(), on_duplicate="replace")
    await desk.work()
    await desk.set_up()
    job = await desk.work()
    assert (job["plans"], job["undecided"]) == ({"near": 2, "new": 1}, 2)
    first, third = await desk.told("rows", plan="near")
    (near,) = first["near"]
    assert (near["public_no"], near["distance_m"] < 6) == (known["public_no"], True)
    assert third["near"] == [{"row": 3}]
    assert (await desk.act("run", status=409))["code"] == "NearDuplicatesUndecided"
    wrong = await desk.act(
        "decisions", status=422, decisions=[{"row": 3, "decision": "new"}, {"row": 2, "decision": "x"}]
    )
    assert {e["code"] for e in wrong["errors"]} == {"nothing_to_decide", "not_in_list"}
    await desk.act("decisions", decisions=[{"row": 2, "decision": near["id"]}])
    await desk.act("run", undecided="new")
    job = await desk.work()
    assert (job["outcomes"], await count(database)) == ({"replace": 1, "new": 2}, 4)
    one = (await desk.client.get(f"{MASTS}/{known['id']}", headers=people["viettel"])).json()
    assert one["name"] == "CMU 412"


async def test_metres_of_the_national_grid_are_kept_as_entered(desk, people):
    head = "Tên,Chủ đầu tư,Tình trạng,Cao,X (m),Y (m),Xã,Ngày\n"
    text = head + '"Cột 1",VIETTEL,Hoạt động,"36,5","1014000,00","571000,00",2098,42125\n'
    await desk.send(text.encode())
    job = await desk.work()
    fields = {c["heading"]: c["field"] for c in job["columns"]}
    assert (fields["X (m)"], fields["Y (m)"]) == ("northing", "easting")
    assert {e["code"] for e in (await desk.set_up(422))["errors"]} == {"zone_missing"}
    await desk.set_up(zone="VN-2000/104-30")
    job = await desk.work()
    assert await desk.told("faults") == [] or job["plans"] == {"refused": 1}
    (row,) = await desk.told("rows")
    assert row["facts"]["entered"] == {"crs": "VN-2000/104-30", "north": "1014000.00", "east": "571000.00"}
    assert row["facts"]["point"] == pytest.approx([105.14784, 9.16885], abs=1e-4)
    assert (row["valid_from"], row["facts"]["commune"]) == ("2015-05-01", "02098")
    again = head.replace("Xã", "Xã") + text.split("\n")[1] + "\n"
    await desk.send(again.encode())
    assert (await desk.work())["zone"] == "VN-2000/104-30"


async def test_legacy_fonts_are_guessed_and_read_when_a_person_says_so(desk):
    back = {letter: byte for byte, letter in _TCVN3.items()}
    text = HEAD + line("Cột ở Đầm Dơi")
    await desk.send(bytes(back.get(letter, ord(letter) if ord(letter) < 256 else 63) for letter in text))
    job = await desk.work()
    assert (job["suspected"], job["reading"]["encoding"]) == ("tcvn3", "latin-1")
    assert "Cột" not in str(job["columns"])
    job = await desk.set_up(fields={}, legacy="tcvn3")
    assert job["state"] == "received"
    job = await desk.work()
    assert (job["state"], job["suspected"], job["columns"][0]["heading"]) == ("read", None, "Mã trạm")
    assert job["columns"][0]["samples"] == ["Cột ở Đầm Dơi"]
    await desk.set_up(legacy="tcvn3")
    assert (await desk.work())["plans"] == {"new": 1}
    (row,) = await desk.told("rows")
    assert (row["name"], row["facts"]["status"], row["facts"]["commune"]) == (
        "Cột ở Đầm Dơi",
        "in_service",
        "32098@2023",
    )


async def test_the_usual_accidents_of_sheets(desk, database):
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file)
    sheet = book.add_worksheet("Cột")
    day = book.add_format({"num_format": "dd/mm/yyyy"})
    sheet.merge_range("A1:H1", "DANH SÁCH CỘT ĂNG TEN")
    heads = ["Tên cột", "Doanh nghiệp", "Tình trạng", "Chiều cao", "Kinh độ", "Vĩ độ", "Mã xã", "Ngày sử dụng"]
    sheet.write_row("A3", heads)
    for place, name in enumerate(["C1", "C2"]):
        sheet.write_row(3 + place, 0, [name, "Viettel", "Hoạt động", 45.5, 104.84 + place / 20, 9.05, 32098])
        sheet.write_datetime(3 + place, 7, date(2015, 5, 1), day)
    sheet.write_row("A6", heads)
    sheet.write_row("A7", ["C3", "Viettel", "Hoạt động", "45,5 m", "104°58'00\"E", "9°03'00\"", "32098", "5/2015"])
    sheet.write_row("A9", ["Tổng cộng", 3])
    sheet.write_row("A12", ["STT", "Chủ sở hữu", "Địa chỉ"])
    sheet.write_row("A13", [1, "x", "y"])
    book.close()
    await desk.send(file.getvalue())
    job = await desk.work()
    assert (job["reading"]["header_row"], {n["code"] for n in job["notes"]}) == (3, {"title_rows"})
    await desk.set_up()
    job = await desk.work()
    assert {(f["row"], f["code"]) for f in await desk.told("faults")} == {
        (6, "repeated_header"), (9, "footnote"), (12, "second_table"),
    }  # fmt: skip
    assert job["plans"] == {"new": 3, "ignored": 2, "refused": 1}
    await desk.act("run", leave_out_faulty=True)
    assert (await desk.work())["outcomes"] == {"new": 3}
    async with database.read() as session:
        lons = (await session.execute(sa.text("SELECT point[0] FROM structure_version ORDER BY 1"))).scalars().all()
    assert lons == pytest.approx([104.84, 104.89, 104.9666667], abs=1e-6)


def bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b"<x/>")
        archive.writestr("xl/worksheets/sheet1.xml", b"0" * 60_000_000)
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (bomb(), "zip_bomb"),
        (b"PK\x03\x04rubbish", "workbook"),
        (b'{"type": "Feature"}', "no_features"),
        (b'{"type": ', "not_json"),
        (b"\n\n", "empty"),
        ((",".join(f"c{n}" for n in range(200)) + "\n").encode(), "too_many_columns"),
    ],
)
async def test_a_file_that_is_no_table_ends_there(desk, content, code):
    await desk.send(content)
    job = await desk.work()
    assert (job["state"], [e["code"] for e in job["errors"]]) == ("failed", [code])
    assert job["finished_at"]
    assert (await desk.act("cancellation", status=409))["code"] == "WrongImportState"


async def test_what_no_table_can_be_is_refused_as_it_arrives(desk, client, database):
    assert (await desk.send(b"%PDF-1.7", status=422))["errors"][0]["code"] == "no_table"
    assert (await desk.send(b"", status=422))["errors"][0]["code"] == "empty"
    client.app.state.settings = client.app.state.settings.model_copy(update={"import_file_mb": 1})

    async def endless():
        for _ in range(10_000):
            sent.append(1)
            yield b"x" * 65536

    sent = []
    assert (await desk.send(endless(), status=413))["code"] == "TooLarge"
    assert len(sent) < 40
    assert await count(database, "import_job") == 0


async def test_an_import_goes_on_where_a_crash_left_it_and_stops_when_told(desk, database, monkeypatch):
    monkeypatch.setattr(import_write, "WRITTEN_AT_ONCE", 2)
    text = HEAD + "".join(line(f"M{n}", lon=f"104,{800 + n}") for n in range(7))
    await desk.send(text.encode())
    await desk.work()
    await desk.set_up()
    await desk.work()
    await desk.act("run")
    await desk.work(steps=1)
    written = import_write._write_rows

    async def crash(*given):
        await written(*given)
        raise RuntimeError("power is gone")

    monkeypatch.setattr(import_write, "_write_rows", crash)
    with pytest.raises(RuntimeError):
        await desk.work(steps=1)
    monkeypatch.setattr(import_write, "_write_rows", written)
    job = await desk.work(steps=1)
    assert (job["state"], job["done"], await count(database)) == ("running", 4, 4)
    job = await desk.act("cancellation")
    assert (job["state"], job["done"], job["outcomes"]) == ("cancelled", 4, {"new": 4})
    job = await desk.work()
    assert (await count(database), await count(database, "structure_change")) == (4, 4)
    desk.tag = '"1"'
    assert (await desk.act("run", status=412))["code"] == "Stale"


async def test_an_import_is_its_organisations_own(desk, client, people, database):
    await desk.send((HEAD + line("A")).encode())
    path = f"{IMPORTS}/{desk.job['id']}"
    for who, status in (("vnpt", 404), ("registrar", 200), ("officer", 403)):
        assert (await client.get(path, headers=people[who])).status_code == status
    assert (await client.get(IMPORTS, headers=people["vnpt"])).json()["items"] == []
    assert (await client.get(f"{path}/rows", headers=people["vnpt"])).status_code == 404
    assert len((await client.get(IMPORTS, headers=people["registrar"])).json()["items"]) == 1
    stolen = await client.post(f"{path}/cancellation", headers={**people["vnpt"], "If-Match": "*"})
    assert stolen.status_code == 404


async def test_a_row_somebody_recorded_since_the_check_is_not_recorded_twice(desk, database, people):
    await desk.send((HEAD + line("A") + line("B", lon="104,9")).encode())
    await desk.work()
    await desk.set_up()
    await desk.work()
    given = body(name="A", point=(105.0, 9.0))
    assert (await desk.client.post(MASTS, json=given, headers=people["viettel"])).status_code == 201
    await desk.act("run")
    job = await desk.work()
    assert (job["outcomes"], await count(database)) == ({"refused": 1, "new": 1}, 2)
    assert [f["code"] for f in await desk.told("faults")] == ["changed_since"]


async def test_statements_do_not_grow_with_the_rows(desk, database, monkeypatch):
    said = []
    for rows in (3, 60):
        text = HEAD + "".join(line(f"M{rows}-{n}", lon=f"104,{100 + n}", lat=f"9,{rows}") for n in range(rows))
        await desk.send(text.replace("104,1", "104,8").encode())
        await desk.work()
        await desk.set_up()
        async with database.said() as statements:
            await desk.work()
        said.append(len(statements))
    assert said[0] == said[1]


async def test_the_pages_lead_from_a_file_to_its_rows(desk, client, people, database, realm):
    who, day = people["viettel"], local_date(client.app.state.clock())
    form = {"_csrf": form_token("tests", "viettel-api", day)}
    html = {**who, "Accept": "text/html"}

    async def page(path, status=200):
        answer = await client.get(path, headers=html)
        assert answer.status_code == status
        return BeautifulSoup(answer.text, "html.parser")

    assert "Chưa có lần nhập nào" in (await page("/registry/imports")).get_text()
    refused = await client.post("/registry/imports", data={**form, "kind": "mast"}, headers=html)
    assert (refused.status_code, "Hãy chọn một tệp." in refused.text) == (422, True)
    text = HEAD.replace("Trạng thái;", "") + (line("A") + line("B", lat="9,04785") + line("C", height="900")).replace(
        "đang khai thác;", ""
    )
    sent = await client.post(
        "/registry/imports", data={**form, "kind": "mast"}, files={"file": ("Cột <1>.csv", text.encode())}, headers=html
    )
    path = sent.headers["location"].partition("?")[0]
    desk.job = {"id": path.rpartition("/")[2]}
    soup = await page(path)
    assert soup.select_one("#progress[hx-get]")
    await desk.work()
    soup = await page(path)
    chosen = {s["name"]: s.select_one("option[selected]")["value"] for s in soup.select("td select")}
    assert "name" in chosen.values()
    version = soup.select_one("input[name=version]")["value"]
    given = {**form, **chosen, "version": version, "on_duplicate": "skip"}
    missing = await client.post(f"{path}/settings", data=given, headers=html)
    assert (missing.status_code, "Không có cột nào được đọc là status" in missing.text) == (422, True)
    given |= {"default-status": "in_service"}
    assert (await client.post(f"{path}/settings", data=given, headers=html)).status_code == 303
    await desk.work()
    soup = await page(path)
    assert "Chiều cao 900.00 m" in soup.get_text()
    assert [o["value"] for o in soup.select("select[name=row-3] option")] == ["", "new", "skip"]
    file = await client.get(f"{path}/faults.csv", headers=who)
    assert file.text.splitlines()[1].startswith("4,height_m,impossible_height,")
    given = {**form, "version": desk.tag.strip('"'), "row-3": "new"}
    assert (await client.post(f"{path}/decisions", data=given, headers=html)).status_code == 303
    stale = await client.post(f"{path}/decisions", data=given, headers=html)
    assert stale.status_code == 422
    await desk.read()
    given = {**form, "version": desk.tag.strip('"')}
    faulty = await client.post(f"{path}/run", data=given, headers=html)
    assert (faulty.status_code, "1 dòng có lỗi" in faulty.text) == (422, True)
    given |= {"leave_out_faulty": "1"}
    assert (await client.post(f"{path}/run", data=given, headers=html)).status_code == 303
    await desk.work()
    done = await client.get(path, headers={**html, "HX-Request": "true"})
    assert done.headers["hx-refresh"] == "true"
    assert "2,new" in (await client.get(f"{path}/rows.csv", headers=who)).text
    assert "Cột <1>.csv" in (await page("/registry/imports")).get_text()
    assert await count(database) == 2


async def test_two_workers_at_once_record_each_row_once(fresh_database, realm, people):
    """On a database that really commits, as the product's does."""
    url = fresh_database("registry").url
    async with committing(url) as database, client_of(create, settings(url), realm, database) as client:
        desk = Desk(client, people["viettel"], database)
        await desk.send((HEAD + "".join(line(f"M{n}", lon=f"104,{800 + n}") for n in range(9))).encode())
        for act in (desk.set_up, lambda: desk.act("run"), desk.read):
            await asyncio.gather(*(desk.work() for _ in range(3)))
            await act()
        assert (desk.job["state"], desk.job["done"], desk.job["outcomes"]) == ("done", 9, {"new": 9})
        assert (await count(database), await count(database, "structure_change")) == (9, 9)
        assert await count(database, "import_mapping") == 1


def test_a_long_file_is_read_row_by_row():
    """What is held at once does not grow with the file."""
    with tempfile.TemporaryFile() as file:
        file.write(HEAD.encode())
        for no in range(25_000):
            file.write(line(f"M{no}", lon=f"104,{no:06}").encode())
        size = file.tell()
        tracemalloc.start()
        grid = grids.opened(file, grids.CSV, Reading(), data.headings().knows, 10)
        reader = Reader("mast", [data.headings().field(name) for name in grid.header], data.headings())
        rows = sorted_out(grid.rows, grid.header, data.headings(), strict_width=True)
        read = sum(isinstance(reader.read(*one), Row) for one in rows if not isinstance(one, Unread))
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert read == 25_000
    assert peak < size / 2 < 3_000_000
