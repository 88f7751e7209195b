"""The pages, parsed: what they show, to whom, as of when; and that they work without script."""

import json
from datetime import UTC, date, datetime, timedelta

import pytest
from bs4 import BeautifulSoup

from kernel.clock import local_date
from kernel.web.forms import FIELD, form_token
from services.registry.commands import structures
from services.registry.commands.imports import ImportRow, import_structures
from services.registry.domain.structure import MastFacts
from tests.registry.conftest import MAY_2015, NOW, REGISTRAR, mast
from tests.registry.test_boundaries import collection, feature

HTML = {"Accept": "text/html"}


async def page(client, headers, path, **query):
    answer = await client.get(path, params=query or None, headers={**headers, **HTML})
    return answer.status_code, BeautifulSoup(answer.text, "html.parser")


async def rows(client, headers, **query):
    status, soup = await page(client, headers, "/registry/masts", **query)
    assert status == 200
    return [row.find("td").get_text(strip=True) for row in soup.select("#masts tbody tr")]


@pytest.fixture
async def masts(database):
    given = [
        ImportRow(n, mast(name=f"M{n:02}", owner=("VIETTEL", "VNPT")[n % 2], point=(104.8 + n / 100, 9.0)), MAY_2015)
        for n in range(45)
    ]
    async with database.tx() as tx:
        return await import_structures(tx, REGISTRAR, "mast", given, now=NOW)


async def test_the_list_pages_forth_and_back(client, people, masts):
    who = people["officer"]
    seen, path = [], "/registry/masts"
    while path and len(seen) < 9:
        _, soup = await page(client, who, path)
        seen.append([row.find("td").get_text(strip=True) for row in soup.select("#masts tbody tr")])
        following, last = soup.select_one("a[rel=next]"), soup
        path = f"/registry/masts{following['href']}" if following else None
    assert [len(names) for names in seen] == [20, 20, 5]
    _, soup = await page(client, who, f"/registry/masts{last.select_one('a[rel=prev]')['href']}")
    assert [row.find("td").get_text(strip=True) for row in soup.select("#masts tbody tr")] == seen[1]
    assert soup.select_one("a[rel=next]")
    assert soup.select_one("a[rel=prev]")


async def test_filters_stand_in_the_address_and_can_be_cleared(client, people, masts):
    who = people["officer"]
    assert all(name in {f"M{n:02}" for n in range(1, 45, 2)} for name in await rows(client, who, owner="VNPT"))
    _, soup = await page(client, who, "/registry/masts", owner="VNPT", as_of="2020-01-01")
    assert soup.select_one(".am-clear")["href"] == "?as_of=01%2F01%2F2020"
    assert "VNPT" in soup.select_one(".am-filter.on summary").get_text()
    assert await rows(client, who, height="150-") == []
    assert await rows(client, who, free="1", q="m03") == ["M03"]
    assert len(await rows(client, who, status="nonsense", bbox="x", evidence="9")) == 20


async def test_the_list_of_another_day_says_so(client, people, masts):
    status, soup = await page(client, people["officer"], "/registry/masts", as_of="01/01/2020")
    assert status == 200
    assert "01/01/2020" in soup.select_one(".am-asof .am-callout").get_text()
    assert soup.select_one(".am-asof-now")
    hrefs = [a["href"] for a in soup.select("#masts td.k a")]
    assert all("as_of=01" in href for href in hrefs)
    _, wrong = await page(client, people["officer"], "/registry/masts", as_of="31/02/2020")
    assert wrong.select_one(".am-callout.warn")
    _, later = await page(client, people["officer"], "/registry/masts", known_at="01/01/2199")
    assert later.select_one(".am-callout.warn")


async def test_each_kind_of_emptiness_has_its_own_words(client, people, masts):
    who = people["officer"]
    texts = []
    for query in ({"q": "zzzz"}, {"as_of": "1999-01-01"}):
        _, soup = await page(client, who, "/registry/masts", **query)
        texts.append(soup.select_one(".am-empty b").get_text())
    assert texts == ["Không có cột nào khớp bộ lọc", "Chưa ghi nhận cột nào cho ngày đó"]


async def test_nothing_yet_points_the_way(client, people):
    _, soup = await page(client, people["viettel"], "/registry/masts")
    assert soup.select_one(".am-empty a")["href"] == "/registry/imports"
    _, reader = await page(client, people["officer"], "/registry/masts")
    assert reader.select_one(".am-empty a")["href"] == "/docs"


@pytest.mark.parametrize("query", [{}, {"owner": "VNPT", "q": "m"}])
async def test_the_page_takes_as_many_statements_whatever_it_shows(client, people, masts, database, query):
    async with database.said() as said:
        await page(client, people["officer"], "/registry/masts", **query)
    assert len(said) <= 8


async def test_the_map_asks_for_points_of_the_same_filter(client, people, masts):
    _, soup = await page(client, people["officer"], "/registry/masts", owner="VNPT")
    settings = json.loads(soup.select_one("#masts-map-settings").string)
    assert "owner=VNPT" in settings["points_url"]
    answer = await client.get(f"{settings['points_url']}&zoom=16", headers=people["officer"])
    points = answer.json()["points"]
    assert len(points) == 22
    assert all(p["kind"] == "free" and p["label"].endswith(", VNPT") and p["href"] for p in points)
    far = (await client.get(f"{settings['points_url']}&zoom=4", headers=people["officer"])).json()["points"]
    assert [(p["kind"], p["count"]) for p in far] == [("cluster", 22)]


@pytest.fixture
async def told(database):
    async with database.tx() as tx:
        one = await structures.register(tx, REGISTRAR, "mast", mast(), valid_from=MAY_2015, now=NOW - timedelta(days=9))
        raised = await structures.change(
            tx, REGISTRAR, "mast", one.id, MastFacts(height_m="48"), valid_from=date(2021, 8, 1),
            now=NOW - timedelta(days=5), evidence=2,
        )  # fmt: skip
        await structures.correct(
            tx, REGISTRAR, "mast", one.id, raised.change_id, MastFacts(height_m="47.5"), valid_from=date(2021, 6, 1),
            now=NOW, evidence=5, reason="Đo lại",
        )  # fmt: skip
    return one


async def test_one_mast_shows_each_fact_with_its_evidence(client, people, told):
    status, soup = await page(client, people["officer"], f"/registry/masts/{told.id}")
    assert status == 200
    heads = [row for row in soup.select("tbody tr") if row.find("th")]
    facts = {row.find("th").get_text(): [c.get_text(" ", strip=True) for c in row.find_all("td")] for row in heads}
    assert facts["Chiều cao"] == ["47,5\xa0m", "Đã kiểm tra"]
    assert facts["Mã loại"] == ["A2b (TT 14/2013)", "Khai báo"]
    assert facts["Xã nay"][0] == "Xã Sông Đốc"
    assert soup.select_one("h1").get_text(strip=True).startswith("CMU-0412, thị trấn Sông Đốc")


async def test_one_mast_shows_both_times_as_picture_and_table(client, people, told):
    path = f"/registry/masts/{told.id}"
    _, soup = await page(client, people["officer"], path, as_of="01/07/2021")
    assert soup.select_one(".am-answer b").get_text() == "47,5\xa0m"
    lanes = soup.select(".am-lanes-names span b")
    assert len(lanes) == 3
    table = soup.select("#history table tbody tr")
    values = [row.find_all("td")[1].get_text() for row in table]
    assert values == ["47,5\xa0m", "48,0\xa0m", "45,0\xa0m"]
    assert table[1].select_one("s")
    assert "Bị đính chính" in table[1].get_text()
    _, before = await page(client, people["officer"], path, as_of="01/07/2021", known_at="16/11/2026")
    assert before.select_one(".am-callout.info")
    assert "45,0" in before.get_text()


async def test_a_day_before_the_mast_shows_only_its_history(client, people, told):
    _, soup = await page(client, people["officer"], f"/registry/masts/{told.id}", as_of="01/01/2000")
    assert soup.select_one(".am-empty b")
    assert soup.select_one("#history")


async def test_another_enterprise_sees_the_mast_without_its_history(client, people, told):
    status, soup = await page(client, people["vnpt"], f"/registry/masts/{told.id}")
    assert status == 200
    assert soup.select_one("#history") is None
    gone, _ = await page(client, people["vnpt"], f"/registry/masts/{told.id}", as_of="01/01/2000")
    assert gone == 404


async def test_a_plan_is_not_found_by_another_enterprise(client, people, database):
    async with database.tx() as tx:
        plan = await structures.register(tx, REGISTRAR, "mast", mast(status="planned"), valid_from=MAY_2015, now=NOW)
    assert (await page(client, people["vnpt"], f"/registry/masts/{plan.id}"))[0] == 404
    assert (await page(client, people["viettel"], f"/registry/masts/{plan.id}"))[0] == 200


async def test_pages_speak_english_when_asked(client, people, told):
    _, soup = await page(client, people["officer"], f"/registry/masts/{told.id}", lang="en")
    assert "Facts on" in soup.get_text()
    assert "47.5\xa0m" in soup.get_text()


async def test_the_home_card_counts_what_is_ones_own(client, people, masts):
    _, everything = await page(client, people["officer"], "/registry/home-card")
    _, own = await page(client, people["vnpt"], "/registry/home-card")
    assert "45" in everything.select_one("dd").get_text()
    assert "22" in own.select_one("dd").get_text()
    assert own.select_one("a")["href"] == "/registry/masts?owner=VNPT"
    assert everything.select_one("html") is None


async def upload(client, headers, content, token=True):
    field = {FIELD: form_token("tests", "session-quantri", local_date(datetime.now(UTC)))} if token else {}
    return await client.post(
        "/registry/boundaries", data={"boundary_set": "", "source": "drawn", **field},
        files={"file": ("b.geojson", content, "application/geo+json")}, headers={**headers, **HTML},
    )  # fmt: skip


async def test_an_administrator_imports_outlines_by_the_page(client, people):
    who = people["administrator"]
    answer = await upload(client, who, json.dumps(collection(feature(vintage="2025"))).encode())
    assert answer.status_code == 303, answer.text
    _, soup = await page(client, who, "/registry/boundaries")
    assert soup.select_one("#outlines")
    shown = await client.get("/registry/boundaries.geojson?set=CM-2025-07", headers=people["viettel"])
    assert [f["properties"]["name"] for f in shown.json()["features"]] == ["Xã Sông Đốc"]
    _, masts = await page(client, who, "/registry/masts", view="map")
    assert masts.select_one(".am-empty")


@pytest.mark.parametrize("content", [b"", b"{", json.dumps(collection(feature("1", vintage="2025"))).encode()])
async def test_a_bad_file_comes_back_with_its_faults(client, people, content):
    answer = await upload(client, people["administrator"], content)
    assert answer.status_code == 422
    soup = BeautifulSoup(answer.text, "html.parser")
    assert soup.select_one(".am-errs a")["href"] == "#f-file"
    assert soup.select_one("#f-source")["value"] == "drawn"


async def test_the_page_of_boundaries_is_for_administrators_and_its_own_forms(client, people):
    assert (await page(client, people["officer"], "/registry/boundaries"))[0] == 403
    assert (await upload(client, people["administrator"], b"{}", token=False)).status_code == 403


async def test_the_whole_history_says_who_what_why_before_and_after(client, people, told):
    path = f"/registry/masts/{told.id}/history"
    status, soup = await page(client, people["officer"], path)
    assert status == 200
    rows = {row["id"]: row.get_text(" ", strip=True) for row in soup.select("tbody tr")}
    assert list(rows) == ["change-3", "change-2", "change-1"]
    assert "Đính chính" in rows["change-3"]
    assert "Đo lại" in rows["change-3"]
    assert "48,0\xa0m 47,5\xa0m" in rows["change-3"]
    assert "skhcn.mai (SKHCN)" in rows["change-1"]
    assert "bị mục 3 đính chính" in rows["change-2"]
    boxes = soup.select("svg[role=img] rect")
    assert sorted(box["fill"] for box in boxes) == ["var(--am-c1)"] * 2 + ["var(--am-c3)"] * 3
    assert not soup.select("a[href$=undo]")
    assert (await page(client, people["vnpt"], path))[0] == 403


async def test_a_change_is_undone_behind_a_question_that_names_what_depends_on_it(client, people, database):
    async with database.tx() as tx:
        one = await structures.register(tx, REGISTRAR, "mast", mast(), valid_from=MAY_2015, now=NOW - timedelta(days=9))
        made = [
            await structures.change(
                tx, REGISTRAR, "mast", one.id, MastFacts(height_m=height), valid_from=date(year, 1, 1), now=NOW
            )
            for height, year in (("48", 2018), ("51", 2020))
        ]
    who, mast_page = people["registrar"], f"/registry/masts/{one.id}"
    _, soup = await page(client, who, f"{mast_page}/history")
    links = [a["href"] for a in soup.select("a[href$=undo]")]
    assert links == [f"{mast_page}/changes/{m.change_id}/undo" for m in reversed(made)]
    _, question = await page(client, who, links[1])
    assert "48,0\xa0m, rồi thành 45,0\xa0m" in question.get_text()
    (later,) = question.select("input[name=despite]")
    form = {FIELD: form_token("tests", "session-skhcn.mai", local_date(datetime.now(UTC))), "version": "3"}
    answer = await client.post(links[1], data=form, headers={**who, **HTML})
    assert (answer.status_code, "Hãy nêu lý do" in answer.text) == (422, True)
    form["reason"] = "Nhầm cột"
    answer = await client.post(links[1], data=form, headers={**who, **HTML})
    assert answer.status_code == 422
    form["despite"] = later["value"]
    stale = await client.post(links[1], data={**form, "version": "2"}, headers={**who, **HTML})
    assert stale.status_code == 422
    assert (await client.post(links[1], data=form, headers={**who, **HTML})).status_code == 303
    told = (await client.get(f"/api/registry/v1/masts/{one.id}/history", headers=who)).json()
    assert [(c["act"], c["reason"]) for c in told["changes"]][-1] == ("undo", "Nhầm cột")
    assert {v["height_m"] for v in told["versions"] if v["recorded_to"] is None} == {"45.00", "51.00"}


async def test_the_slider_goes_back_by_months(client, people, told):
    _, soup = await page(client, people["officer"], "/registry/masts", slide="128")
    assert soup.select_one("#f-as_of")["value"] == "01/09/2020"
    assert soup.select_one("#f-slide")["value"] == "128"
    assert soup.select_one("#masts tbody tr td.u").get_text() == "45,0"
    _, now = await page(client, people["officer"], "/registry/masts")
    slider = now.select_one("#f-slide")
    assert slider["value"] == slider["max"]
    _, end = await page(client, people["officer"], "/registry/masts", slide=slider["max"])
    assert end.select_one(".am-asof .am-callout") is None


@pytest.mark.parametrize(("kind", "plural", "facts", "shown"), [
    ("pole", "poles", {"sector": "power", "occupants": ["VNPT", "VIETTEL"]}, ["Chung với điện lực", "VNPT, Viettel"]),
    ("duct", "ducts", {"sector": "telecom", "element": "duct", "line": [[104.84, 9.05], [104.85, 9.05]]},
     ["Chỉ viễn thông", "Cống cáp", "1.099,4", "2 điểm"]),
])  # fmt: skip
async def test_poles_and_ducts_have_the_same_pages(client, people, kind, plural, facts, shown):
    given = {"owner": "VNPT", "status": "in_service", "commune": "32098@2023", "name": "Số 1", **facts}
    given |= {} if kind == "duct" else {"point": [104.84, 9.05]}
    made = await client.post(f"/api/registry/v1/{plural}", json={"facts": given, "valid_from": "2020-01-01"},
                             headers=people["registrar"])  # fmt: skip
    assert made.status_code == 201, made.text
    _, listed = await page(client, people["officer"], f"/registry/{plural}", sector=facts["sector"])
    (row,) = listed.select("#masts tbody tr")
    assert row["data-href"].partition("?")[0] == f"/registry/{plural}/{made.json()['id']}"
    _, other = await page(client, people["officer"], f"/registry/{plural}", sector="lighting")
    assert other.select_one(".am-empty")
    points = await client.get(f"/registry/{plural}/points?apart=1", headers=people["officer"])
    assert [p["href"] for p in points.json()["points"]] == [f"/registry/{plural}/{made.json()['id']}"]
    status, one = await page(client, people["officer"], f"/registry/{plural}/{made.json()['id']}")
    assert (status, [text for text in shown if text not in one.get_text()]) == (200, [])
    assert (await page(client, people["officer"], f"/registry/{plural}/{made.json()['id']}/history"))[0] == 200


async def test_a_mast_in_full_says_what_it_bears_and_when_its_permit_lapses(client, people):
    facts = {
        "owner": "VIETTEL", "status": "permitted", "point": [104.84, 9.05], "commune": "32098@2023", "height_m": "3",
        "foundation": "roof", "building_height_m": "20", "solid": True, "height_above_sea_m": "25.5", "wind_zone": "II",
        "load_limit_kg": "900", "load_used_kg": "350.5", "external_ids": {"VNPT": "CMU-77"},
        "positions": [{"no": 1, "height_m": "2.5", "margin_kg": "120"}, {"no": 2}],
    }  # fmt: skip
    path = "/api/registry/v1/masts"

    async def register(status, **more):
        body = {"facts": {**facts, **more}, "valid_from": "2024-03-01"}
        answer = await client.post(path, json=body, headers=people["registrar"])
        assert answer.status_code == status, answer.text
        return answer.json()

    assert {e["code"] for e in (await register(422, load_used_kg="901", external_ids={"NOBODY": "x"}))["errors"]} == {
        "overloaded", "unknown_organisation",
    }  # fmt: skip
    made = await register(201)
    one = (await client.get(f"{path}/{made['id']}", headers=people["officer"])).json()
    assert (one["non_bulky"], one["lapses_on"], one["positions"][0]["margin_kg"]) == (True, "2025-03-01", "120")
    for query, count in (("lapsed=true", 1), ("lapsed=true&as_of=2025-02-28", 0)):
        assert len((await client.get(f"{path}?{query}", headers=people["officer"])).json()["items"]) == count
    _, soup = await page(client, people["officer"], f"/registry/masts/{made['id']}")
    text = soup.get_text(" ", strip=True)
    for said in ("Hết hiệu lực từ 01/03/2025", "Không cồng kềnh", "Chịu thiên tai cấp 4", "VNPT: CMU-77", "25,5\xa0m"):
        assert said in text


async def test_the_plate_leads_everybody_to_what_stands(client, people, told, database):
    _, sheet = await page(client, people["officer"], f"/registry/masts/{told.id}/plate")
    assert sheet.select_one("svg")
    link = sheet.select_one("footer span").get_text()
    assert link.endswith(f"/registry/open/plates/{told.public_no}")
    answer = await client.get(f"/registry/open/plates/{told.public_no}")
    assert (answer.status_code, "47,5\xa0m" in answer.text, "VIETTEL" in answer.text) == (200, True, False)
    async with database.tx() as tx:
        plan = await structures.register(tx, REGISTRAR, "mast", mast(status="planned"), valid_from=MAY_2015, now=NOW)
    for number in (plan.public_no, "CM-M-000001-0", "x"):
        assert (await client.get(f"/registry/open/plates/{number}")).status_code == 404


async def test_bands_are_those_of_the_3gpp_tables(client, people, told):
    async def station(status, **facts):
        body = {"structure_id": str(told.id), "facts": {"operator": "VNPT", **facts}, "valid_from": "2020-01-01"}
        answer = await client.post("/api/registry/v1/stations", json=body, headers=people["vnpt"])
        assert answer.status_code == status, answer.text
        return answer.json()

    wrong = await station(422, technologies=["4G"], bands=["B3", "n78", "B999"])
    assert {e["code"] for e in wrong["errors"]} == {"band_of_other_technology", "unknown_band"}
    assert (await station(201, technologies=["2G", "4G", "5G"], bands=["GSM900", "B3", "n78"]))["version"] == 1
