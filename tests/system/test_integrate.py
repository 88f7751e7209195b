"""docs/integrate.md as its reader does it: every shell block in one go, then the typed client."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.documents import client as generator
from infra.local.papers import paper
from infra.local.visitor import Visitor
from tests.fixtures.product import Launched

pytestmark = pytest.mark.system
GUIDE = (Path(__file__).parents[2] / "docs" / "integrate.md").read_text()


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", GUIDE, re.DOTALL)


def here(text: str, product: Launched) -> str:
    return text.replace("http://127.0.0.1:8080", product.url).replace(
        "http://127.0.0.1:8081/realms/hatang", product.issuer
    )


@pytest.fixture
def client_folder(tmp_path: Path) -> Iterator[Path]:
    generator.generate(tmp_path)
    sys.path.insert(0, str(tmp_path))
    yield tmp_path
    sys.path.remove(str(tmp_path))


def test_from_nothing_to_a_filed_dossier(product: Launched, tmp_path: Path):
    for name in ("land", "drawings"):
        (tmp_path / f"{name}.pdf").write_bytes(paper(name))
    script = "set -e\n" + "\necho; echo ---\n".join(here(block, product) for block in blocks("sh"))
    made = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=tmp_path, check=False)
    assert made.returncode == 0, made.stderr
    _, checked, played, filed, followed = (part.strip() for part in made.stdout.split("---"))
    assert json.loads(checked)["acceptable"] is False
    assert {fault["code"] for fault in json.loads(checked)["faults"]} == {"part_missing"}
    acts = [each["act"] for each in json.loads(played)["happened"]]
    assert acts[:3] == ["received", "supplement_requested", "supplemented"]
    receipt = json.loads(filed)
    assert re.fullmatch(r"HS-\d{4}-\d{5}", receipt["number"])
    feed, end = json.JSONDecoder().raw_decode(followed)
    listed = json.loads(followed[end:])
    assert feed["next"] > 0
    assert "items" in listed
    assert json.loads((tmp_path / "receipt.json").read_text())["receipt"]["number"] == receipt["number"]
    assert json.loads((tmp_path / "now.json").read_text())["state"] == "received"
    assert "etag" in (tmp_path / "head.txt").read_text().lower()


def test_the_typed_client_of_the_same_document(product: Launched, client_folder: Path):
    from hatang_client import AuthenticatedClient
    from hatang_client.api.dossiers import check_application, file_application, list_applications, read_application
    from hatang_client.api.files import store_file
    from hatang_client.api.ratios import read_ratio
    from hatang_client.models import ApplicationFile, Problem
    from hatang_client.types import File

    with Visitor.client(product.url, product.issuer, "vnpt-api") as visitor:
        token = visitor.http.headers["authorization"].removeprefix("Bearer ")
    client = AuthenticatedClient(base_url=product.url, token=token)
    part = store_file.sync(client=client, body=File(payload=paper("Ban ve")), idempotency_key="p1", name="a.pdf")
    site = {"name": "Cột VNPT", "lon": 105.2, "lat": 9.2, "commune": "32002@2025-07", "height_m": "30.0",
            "code": ["ND163", "A1"], "facts": {"foundation": "ground"}}  # fmt: skip
    parts = [{"code": code, "file": str(part.id)} for code in ("land_paper", "drawings")]
    dossier = ApplicationFile.from_dict({"sites": [site], "parts": parts})
    checked = check_application.sync(client=client, body=dossier)
    assert checked.acceptable, checked
    receipt = file_application.sync(client=client, body=dossier, idempotency_key="d1")
    again = file_application.sync(client=client, body=dossier, idempotency_key="d1")
    assert again.number == receipt.number
    assert read_application.sync(receipt.id, client=client).state == "received"
    assert receipt.number in {row.number for row in list_applications.sync(client=client, limit=5).items}
    assert read_ratio.sync(client=client).counted > 0
    refused = file_application.sync(client=client, body=ApplicationFile.from_dict({"sites": [site], "parts": []}),
                                    idempotency_key="d2")  # fmt: skip
    assert isinstance(refused, Problem)
    assert refused.code == "DossierFaulty"
