"""A file is imported whole or not at all, and says every fault first."""

import sqlalchemy as sa

from services.registry import data
from services.registry.domain import sheet

PATH = "/api/registry/v1/masts:import"
HEAD = "owner,name,code_system,code,height_m,lon,lat,commune,status,capacity,valid_from,evidence\n"


def line(owner="VIETTEL", name="A", code="A2b", height="45", lon="104.84", lat="9.05", commune="32098", evidence="2"):
    return f"{owner},{name},TT14,{code},{height},{lon},{lat},{commune},in_service,3,2015-05-01,{evidence}\n"


async def send(client, headers, text, **query):
    return await client.post(PATH, params=query, content=text.encode(), headers={**headers, "Content-Type": "text/csv"})


async def count(database, table="structure"):
    async with database.read() as session:
        return (await session.execute(sa.text(f"SELECT count(*) FROM {table}"))).scalar_one()


async def test_a_dry_run_names_every_fault_and_writes_nothing(client, people, database):
    text = HEAD + line(height="4500") + line(owner="VNPT", name="B") + line(name="C", code="Z1", lat="91")
    text += (
        line(name="D", commune="99999", height="high") + line(name="E") + line(name="E") + line(name="F", evidence="5")
    )
    answer = await send(client, people["viettel"], text, dry_run=True)
    assert answer.status_code == 200
    assert (answer.json()["rows"], answer.json()["items"]) == (7, [])
    assert {(e["pointer"], e["code"]) for e in answer.json()["errors"]} == {
        ("/rows/2/height_m", "impossible_height"),
        ("/rows/3/owner", "not_yours"),
        ("/rows/4/code", "unknown_code"),
        ("/rows/4/point", "outside_province"),
        ("/rows/5/height_m", "unreadable"),
        ("/rows/6/name", "doubled"),
        ("/rows/7/name", "doubled"),
        ("/rows/8/evidence", "evidence_too_high"),
    }
    assert await count(database) == 0


async def test_one_bad_row_keeps_all_out(client, people, database):
    answer = await send(client, people["viettel"], HEAD + line() + line(name="B", height="0"))
    assert (answer.status_code, answer.json()["code"]) == (422, "ImportRefused")
    assert await count(database) == await count(database, "outbox WHERE subject LIKE '%structure%'") == 0


async def test_a_good_file_is_taken_once(client, people, database):
    text = HEAD + "".join(line(name=f"M{n}") for n in range(45))
    answer = await send(client, people["viettel"], text)
    assert answer.status_code == 201, answer.text
    assert len(answer.json()["items"]) == 45
    assert (await count(database), await count(database, "structure_version")) == (45, 45)
    assert await count(database, "placement") == 45 * 3
    again = await send(client, people["viettel"], text)
    assert {e["code"] for e in again.json()["errors"]} == {"already_registered"}


async def test_events_carry_a_hundred_things_each(database):
    from services.registry.commands.imports import ImportRow, import_structures
    from tests.registry.conftest import MAY_2015, NOW, REGISTRAR, mast

    rows = [ImportRow(n, mast(name=f"M{n}"), MAY_2015) for n in range(250)]
    async with database.tx() as tx:
        done = await import_structures(tx, REGISTRAR, "mast", rows, now=NOW)
    async with database.read() as session:
        sizes = await session.execute(
            sa.text(
                "SELECT envelope->>'subject' AS subject, jsonb_array_length(envelope->'data'->'items') AS n"
                " FROM outbox WHERE subject = 'registry.structure.changed.v1' ORDER BY seq"
            )
        )
        assert [tuple(row) for row in sizes] == [(str(done.import_id), n) for n in (100, 100, 50)]
        audited = "SELECT count(*) FROM audit WHERE act = 'registry:structure:import'"
        assert (await session.execute(sa.text(audited))).scalar_one() == 1


async def test_a_file_over_the_limits_is_refused(client, people):
    rows = await send(client, people["viettel"], HEAD + "".join(line(name=f"M{n}") for n in range(51)))
    assert rows.json()["errors"][0]["code"] == "too_many"
    client.app.state.settings = client.app.state.settings.model_copy(update={"import_limit_mb": 0})
    size = await send(client, people["viettel"], HEAD + line())
    assert (size.status_code, size.json()["code"]) == (413, "TooLarge")


async def test_the_same_key_imports_once(client, people, database):
    headers = {**people["viettel"], "Idempotency-Key": "import-1"}
    first = await send(client, headers, HEAD + line())
    again = await send(client, headers, HEAD + line())
    assert first.json() == again.json()
    assert await count(database) == 1


def test_the_columns_are_a_promise():
    assert sheet.columns("mast") == [
        "owner", "status", "height_m", "commune", "capacity", "name", "address", "synthetic", "foundation",
        "building_height_m", "design", "solid", "height_above_sea_m", "wind_zone", "load_limit_kg", "load_used_kg",
        "code_system", "code", "lon", "lat", "valid_from", "evidence", "reason",
    ]  # fmt: skip


def test_a_file_of_many_columns_or_faults_is_refused_at_once():
    header = ",".join(f"c{n}" for n in range(20_000))
    (fault,) = sheet.read(f"{header}\n".encode(), "mast", 10, data.headings()).faults
    assert fault.code == "too_many_columns"
    bad = "owner,lon,lat,commune,status,valid_from\n" + "X,east,north,1,none,never\n" * 5000
    faults = sheet.read(bad.encode(), "mast", 10_000, data.headings()).faults
    assert len(faults) < 1100
    assert faults[-1].code == "too_many_faults"
