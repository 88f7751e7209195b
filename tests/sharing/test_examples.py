"""What the document shows as an example is true: every body runs as it stands, by somebody who may."""

import json
from collections.abc import Iterator
from functools import cache
from typing import Any
from uuid import UUID

import httpx
import pytest
import sqlalchemy as sa

from services.sharing import data
from services.sharing.api.schemas import CHANGE, STRUCTURE
from services.sharing.app import create
from services.sharing.commands import contradictions, report_rounds, reports
from tests.fixtures.service import RolledBack
from tests.sharing.conftest import NOW, VIETTEL, Province, settings

API = "/api/sharing/v1"


OF_AUDITORS = ("settlement", "statements", ":simulate", "/definitions", "/definitions:check", "/plans")


@cache
def document() -> dict[str, Any]:
    return create(settings("postgresql://localhost/none")).openapi()


def resolved(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def own(path: str) -> bool:
    return "/parked-messages" not in path


def examples() -> Iterator[Any]:
    for path, operations in document()["paths"].items():
        content = operations.get("post", {}).get("requestBody", {}).get("content", {})
        if own(path) and content:
            shown = resolved(content["application/json"]["schema"])["examples"]
            yield from (pytest.param(path, one, id=f"{path} {n}") for n, one in enumerate(shown))


@pytest.mark.database
@pytest.mark.parametrize(("path", "example"), list(examples()))
async def test_an_example_runs(
    client: httpx.AsyncClient,
    people: dict[str, dict[str, str]],
    province: Province,
    database: RolledBack,
    path: str,
    example: Any,
) -> None:
    structure, other, agreement, change = await province.mast(), await province.mast(), UUID(int=0), UUID(int=0)
    if "{agreement_id}" in path:
        agreement = (await province.agree(structure)).id
        told = await client.get(f"{API}/agreements/{agreement}", headers=people["viettel"])
        change = told.json()["changes"][0]["id"]
    await province.complete()
    async with database.tx() as tx:
        await report_rounds.open_due(tx, now=NOW)
        made = (await tx.execute(sa.text("SELECT cycle_id, id FROM report WHERE org = 'VIETTEL'"))).one()
        if path.endswith("settlement"):
            await reports.answer(tx, VIETTEL, made.id, [reports.Said(1, "disputed", {}, "x")], now=NOW)
        elif path.endswith("submissions"):
            await reports.confirm_rest(tx, VIETTEL, made.id, now=NOW)
    address = path.replace("{agreement_id}", str(agreement)).replace("{report_id}", str(made.id))
    if "/contradictions/" in path:
        await province.station(structure, "VNPT")
        async with database.tx() as tx:
            await contradictions.look(tx, data.contradictions(), now=NOW)
            case = (await tx.execute(sa.text("SELECT id FROM contradiction"))).scalar_one()
        address = address.replace("{contradiction_id}", str(case))
    if "{plan_id}" in path:
        drawn = await client.post(
            f"{API}/audit-plans", json={"as_of": "2026-10-31", "size": 2}, headers=people["auditor"]
        )
        address = address.replace("{plan_id}", drawn.json()["id"]).replace("{structure_id}", str(structure))
        if path.endswith("closure"):
            finding = {"as_recorded": True, "inspected_on": "2026-11-18"}
            for one in (structure, other):
                found = f"{API}/audit-plans/{drawn.json()['id']}/items/{one}/finding"
                await client.post(found, json=finding, headers=people["auditor"])
    address = address.replace("{cycle_id}", str(made.cycle_id)).replace("{no}", "1")
    audited = any(word in path for word in ("/report-cycles", "/contradictions", "/audit-plans"))
    of_auditors = audited or path.endswith(OF_AUDITORS)
    who = "auditor" if of_auditors else "viettel"
    # What an example cannot know: which thing it is about.
    text = json.dumps(example).replace(STRUCTURE, str(structure)).replace(CHANGE, str(change))
    headers = {**people[who], "Content-Type": "application/json"}
    answer = await client.post(address, content=text, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    assert answer.json().get("refused", 0) == 0


@pytest.mark.unit
def test_every_act_has_an_example_and_every_parameter_its_words() -> None:
    undescribed = [
        (path, parameter["name"])
        for path, operations in document()["paths"].items()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if own(path) and not parameter.get("description")
    ]
    assert undescribed == []
    assert len(list(examples())) >= len(
        [path for path, one in document()["paths"].items() if "post" in one and own(path)]
    )
