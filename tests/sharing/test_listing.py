"""The lists of sharing: pages, filters with operators, sparse rows, expansion, counts, other forms; and batches."""

import csv
import io
from datetime import date
from typing import Any
from uuid import UUID

import httpx
import pytest

from services.sharing.api import schemas
from tests.sharing.conftest import Province

pytestmark = pytest.mark.database
API = "/api/sharing/v1"
People = dict[str, dict[str, str]]
LISTS = {
    f"{API}/agreements": "id",
    f"{API}/ratios/structures?side=denominator": "id",
    f"{API}/targets": "percent",
    f"{API}/definitions": "sha256",
    f"{API}/boundary-sets": "code",
}


@pytest.fixture
async def masts(province: Province) -> list[UUID]:
    """Three masts of Viettel's, the first two let to VNPT: one for good, one until 2024."""
    masts = [await province.mast(), await province.mast(), await province.mast()]
    await province.agree(masts[0], since=date(2023, 6, 1))
    await province.agree(masts[1], since=date(2023, 1, 1), until=date(2024, 1, 1))
    return masts


async def items(client: httpx.AsyncClient, address: str, who: dict[str, str], **asked: Any) -> list[dict[str, Any]]:
    answer = await client.get(httpx.URL(address).copy_merge_params(asked), headers=who)
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


@pytest.mark.parametrize("address", LISTS)
async def test_pages_of_one_row_are_the_whole_list_and_their_total(
    client: httpx.AsyncClient, people: People, masts: list[UUID], address: str
) -> None:
    whole = await items(client, address, people["auditor"], limit=500)
    assert len(whole) >= 2
    paged: list[dict[str, Any]] = []
    asked: dict[str, Any] = {"limit": 1, "total": "true"}
    while True:
        url = httpx.URL(address).copy_merge_params(asked)
        page = (await client.get(url, headers=people["auditor"])).json()
        assert page["total"] == len(whole)
        paged += page["items"]
        if page["next"] is None:
            break
        asked["cursor"] = page["next"]
    assert paged == whole


@pytest.mark.parametrize(("address", "member"), LISTS.items())
async def test_a_row_holds_the_members_asked_for(
    client: httpx.AsyncClient, people: People, masts: list[UUID], address: str, member: str
) -> None:
    whole = await items(client, address, people["auditor"])
    assert await items(client, address, people["auditor"], fields=member) == [{member: row[member]} for row in whole]


@pytest.mark.parametrize("address", LISTS)
@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"colour": "red"}, "MalformedRequest"),
        ({"fields": "id,colour"}, "UnknownField"),
        ({"cursor": "nonsense"}, "BadCursor"),
        ({"limit": "501"}, "MalformedRequest"),
    ],
)
async def test_what_is_not_known_is_refused(
    client: httpx.AsyncClient, people: People, province: Province, address: str, asked: dict[str, str], code: str
) -> None:
    answer = await client.get(httpx.URL(address).copy_merge_params(asked), headers=people["auditor"])
    assert (answer.status_code, answer.json()["code"]) == (422, code)


@pytest.mark.parametrize("address", LISTS)
async def test_a_list_comes_as_text_and_as_a_sheet(
    client: httpx.AsyncClient, people: People, masts: list[UUID], address: str
) -> None:
    whole = await items(client, address, people["auditor"])
    text = await client.get(address, headers={**people["auditor"], "Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(text.text.removeprefix("\ufeff"))))
    assert [list(row) for row in rows] == [list(row) for row in whole]
    sheet = await client.get(address, headers={**people["auditor"], "Accept": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"})  # fmt: skip # noqa: E501
    assert sheet.content.startswith(b"PK")
    image = await client.get(address, headers={**people["auditor"], "Accept": "image/png"})
    assert (image.status_code, image.json()["code"]) == (406, "NotAcceptable")


@pytest.mark.parametrize(
    ("asked", "begins"),
    [
        ({}, ["2023-01-01", "2023-06-01"]),
        ({"status": "in_force"}, ["2023-06-01"]),
        ({"status.in": "ended,terminated"}, ["2023-01-01"]),
        ({"as_of": "2023-03-01", "status.in": "in_force,not_begun"}, ["2023-01-01", "2023-06-01"]),
        ({"as_of": "2023-03-01", "status": "in_force"}, ["2023-01-01"]),
        ({"known_at": "2026-11-19"}, []),
        ({"valid_from.gte": "2023-06-01"}, ["2023-06-01"]),
        ({"valid_from.lt": "2023-06-01"}, ["2023-01-01"]),
        ({"valid_to.lt": "2024-02-01"}, ["2023-01-01"]),
        ({"valid_to.gte": "2024-02-01"}, []),
        ({"tenant.in": "VNPT,MOBIFONE", "owner": "VIETTEL"}, ["2023-01-01", "2023-06-01"]),
        ({"tenant": "MOBIFONE"}, []),
        ({"evidence.gte": "2"}, []),
        ({"q": "cot 2"}, ["2023-01-01"]),
    ],
)
async def test_agreements_by_their_members(
    client: httpx.AsyncClient, people: People, masts: list[UUID], asked: dict[str, str], begins: list[str]
) -> None:
    found = await items(client, f"{API}/agreements", people["auditor"], **asked)
    assert sorted(row["valid_from"] for row in found) == begins


async def test_an_agreement_expands_to_what_is_known_of_its_structure(
    client: httpx.AsyncClient, people: People, masts: list[UUID]
) -> None:
    asked = {"structure_id": str(masts[0]), "fields": "owner", "expand": "structure"}
    for who in ("viettel", "vnpt", "auditor"):
        (row,) = await items(client, f"{API}/agreements", people[who], **asked)
        structure = {"kind": "mast", "status": "in_service", "owner": "VIETTEL", "commune": "32005@2023"}
        assert row == {"owner": "VIETTEL", "structure": {"id": str(masts[0]), **structure}}
    assert await items(client, f"{API}/agreements", people["mobifone"], **asked) == []


async def test_what_is_left_out_can_be_asked_by_its_reason(
    client: httpx.AsyncClient, people: People, masts: list[UUID], province: Province
) -> None:
    await province.mast(status="permitted")
    address = f"{API}/ratios/structures?side=excluded"
    assert len(await items(client, address, people["auditor"], **{"reason.in": "not_counted:status"})) == 1
    assert await items(client, address, people["auditor"], **{"reason.in": "not_counted:capacity"}) == []


async def test_targets_by_plan_day_and_definition(
    client: httpx.AsyncClient, people: People, province: Province
) -> None:
    whole = await items(client, f"{API}/targets", people["viettel"])
    assert {row["kind"] for row in whole} == {"mast", "pole", "duct"}
    due = await items(client, f"{API}/targets", people["viettel"], **{"due_on.gte": "2024-12-31", "kind": "mast"})
    assert [row["due_on"] for row in due] == ["2024-12-31", "2025-12-31"]
    of_masts = await items(client, f"{API}/targets", people["viettel"], definition="mast.verified.1")
    assert {row["kind"] for row in of_masts} == {"mast"}
    assert await items(client, f"{API}/targets", people["viettel"], **{"plan.in": "NONE"}) == []
    for asked in ({"definition": "mast.best.9"}, {"definition": "mast.verified.1", "kind": "pole"}):
        answer = await client.get(f"{API}/targets", params=asked, headers=people["viettel"])
        assert (answer.status_code, answer.json()["code"]) == (422, "DefinitionUnknown")


async def test_the_law_is_what_its_schemas_say(client: httpx.AsyncClient, people: People, province: Province) -> None:
    pages: dict[str, type[schemas.TargetPage | schemas.DefinitionPage | schemas.BoundarySetPage]] = {
        "targets": schemas.TargetPage,
        "definitions": schemas.DefinitionPage,
        "boundary-sets": schemas.BoundarySetPage,
    }
    for name, page in pages.items():
        told = (await client.get(f"{API}/{name}", headers=people["viettel"])).json()
        assert page.model_validate(told).items


async def test_of_many_agreements_each_stands_or_falls_by_itself(
    client: httpx.AsyncClient, people: People, masts: list[UUID]
) -> None:
    given = {"tenant": "MOBIFONE", "kind": "lease", "valid_from": "2024-01-01"}
    wanted = [
        {**given, "structure_id": str(masts[0])},
        {**given, "structure_id": str(masts[0])},
        {**given, "structure_id": str(masts[1]), "tenant": "VIETTEL"},
        {**given, "structure_id": str(masts[1])},
    ]
    answer = await client.post(f"{API}/agreements:batch", json={"items": wanted}, headers=people["viettel"])
    told = answer.json()
    assert (answer.status_code, told["done"], told["refused"]) == (200, 2, 2)
    assert [one["status"] for one in told["items"]] == [201, 409, 422, 201]
    assert [one["problem"]["code"] for one in told["items"] if one["problem"]] == ["AgreementOverlaps", "TenantIsOwner"]
    made = await items(client, f"{API}/agreements", people["mobifone"], tenant="MOBIFONE")
    assert {row["id"] for row in made} == {one["body"]["id"] for one in told["items"] if one["body"]}


async def test_a_batch_is_taken_whole_or_not_read(client: httpx.AsyncClient, people: People, masts: list[UUID]) -> None:
    one = {"structure_id": str(masts[2]), "tenant": "MOBIFONE", "kind": "lease", "valid_from": "2024-01-01"}
    for wrong in ([], [one] * 101, [{**one, "price": 1}]):
        answer = await client.post(f"{API}/agreements:batch", json={"items": wrong}, headers=people["viettel"])
        assert (answer.status_code, answer.json()["code"]) == (422, "MalformedRequest")
    assert await items(client, f"{API}/agreements", people["mobifone"]) == []
