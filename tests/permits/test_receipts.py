"""The receipt of a filing: signed, the same for ever, checked without us; for those who may see the dossier."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import httpx
import pypdf
import pytest
from typer.testing import CliRunner

from services.permits import commands, queries
from services.permits.__main__ import cli
from services.permits.domain.application import PartDraft, SupplementItem
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import AN, BINH, HUNG, LAN, local, settings

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]


async def test_a_receipt_is_signed_and_stays_the_same(
    client: httpx.AsyncClient, database: RolledBack, header: Header, tmp_path: Path
):
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 11, 23, 9))
    path = f"/api/permits/v1/applications/{receipt.id}/receipt"
    first = (await client.get(path, headers=header(AN))).json()
    assert first["receipt"]["number"] == receipt.number
    assert {part["code"] for part in first["receipt"]["parts"]} == {"land_paper", "drawings"}
    assert first["signer"]["development"]
    async with database.tx() as tx:
        dossier = await queries.application(tx, receipt.id, actor=LAN, lock=True)
        items = [SupplementItem("drawings", "thiếu")]
        await commands.request_supplement(tx, LAN, dossier, items, settings=settings(), now=local(2026, 11, 23, 10))
        dossier = await queries.application(tx, receipt.id, actor=AN, lock=True)
        part = [PartDraft("drawings", await world.stored(tx, AN))]
        await commands.supplement(tx, AN, dossier, part, settings=settings(), now=local(2026, 11, 25, 9))
    again = (await client.get(path, headers=header(HUNG))).json()
    assert again["receipt"] == first["receipt"]

    file, drawing, other = tmp_path / "receipt.json", tmp_path / "a.pdf", tmp_path / "b.pdf"
    file.write_text(json.dumps(first, ensure_ascii=False))
    drawing.write_bytes(world.pdf())
    other.write_bytes(b"another")
    told = CliRunner().invoke(cli, ["check-receipt", str(file), "--part", str(drawing)])
    assert told.exit_code == 0
    assert receipt.number in told.output
    assert CliRunner().invoke(cli, ["check-receipt", str(file), "--part", str(other)]).exit_code == 1
    first["receipt"]["received_on"] = "2026-11-22"
    file.write_text(json.dumps(first))
    assert CliRunner().invoke(cli, ["check-receipt", str(file)]).exit_code == 1


async def test_the_receipt_on_paper_is_signed_and_says_the_hashes(
    client: httpx.AsyncClient, database: RolledBack, header: Header
):
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 11, 23, 9))
    path = f"/api/permits/v1/applications/{receipt.id}/receipt/paper"
    answer = await client.get(path, headers=header(AN))
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/pdf"), answer.text
    assert answer.content.startswith(b"%PDF-")
    assert b"/ETSI.CAdES.detached" in answer.content
    text = "".join(page.extract_text() for page in pypdf.PdfReader(io.BytesIO(answer.content)).pages)
    assert receipt.number in text
    assert "Tổ chức VIETTEL" in text
    assert (await client.get(path, headers=header(BINH))).status_code == 404


async def test_a_stranger_gets_no_receipt_and_without_a_key_there_is_none(
    client: httpx.AsyncClient, database: RolledBack, header: Header
):
    async with database.tx() as tx:
        receipt = await world.filed(tx, now=local(2026, 11, 23, 9))
    path = f"/api/permits/v1/applications/{receipt.id}/receipt"
    assert (await client.get(path, headers=header(BINH))).status_code == 404
    state = client.app.state  # type: ignore[attr-defined]
    state.settings = state.settings.model_copy(update={"seal_file": None})
    answer = await client.get(path, headers=header(AN))
    assert (answer.status_code, answer.json()["code"]) == (503, "SealMissing")
