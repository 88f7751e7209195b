"""What an operator keeps to himself is in no answer to anybody else: every read of the document, in every form.

The reads are those of `docs/openapi.json`, so an operation that is added tomorrow is tried as well: by another
operator, as a system and as a person, by the administrator (who has no part in cases), and by nobody. Each is tried
with the true ids, with searches, filters, bounds and counts that point at the secrets.
"""

import io
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import httpx
import pytest

from infra.local.main_job import PARTS, site
from infra.local.papers import paper
from infra.local.visitor import Visitor
from tests.fixtures.product import Launched

pytestmark = pytest.mark.system
DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text())
MARK, PLANNED = "Zqxcase", "Zqxplan"
ADMINISTRATOR = "quantri"
POINT = (105.23456, 9.12345)
FORMS = (
    "application/json",
    "text/csv",
    "application/geo+json",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
)
PAGES = (
    "/", "/permits/applications", "/permits/applications?q={mark}", "/permits/queue?tab=all", "/permits/queue?q={mark}",
    "/permits/applications/{dossier}", "/permits/applications/{dossier}/supplement", "/registry/masts?q={mark}",
    "/permits/applications/{dossier}/withdrawal", "/permits/applications/{dossier}/notice", "/registry/masts/{mast}",
    "/registry/masts/points?bbox={bbox}&zoom=18", "/sharing/ratio", "/sharing/agreements?q={mark}",
    "/sharing/agreements/{agreement}", "/sharing/reports", "/registry/access", "/permits/parked", "/sharing/parked",
)  # fmt: skip


@dataclass
class Secret:
    """A dossier that is waiting for an answer, a planned mast, an agreement with a third party."""

    dossier: str
    number: str
    files: list[str]
    mast: str
    agreement: str
    structure: str

    @property
    def case(self) -> list[str]:
        return [MARK, self.dossier, self.number, self.agreement, *self.files]

    @property
    def planned(self) -> list[str]:
        return [PLANNED, self.mast, *map(str, POINT)]

    def in_(self, answer: httpx.Response, who: str) -> list[str]:
        """What of it is told beyond what the question said itself. The administrator may see what is planned."""
        told, asked = _text(answer), str(answer.request.url)
        signs = self.case if who == ADMINISTRATOR else [*self.case, *self.planned]
        return [sign for sign in signs if sign.lower() in told and sign not in asked]


def _text(answer: httpx.Response) -> str:
    content = answer.content
    if content.startswith(b"PK"):
        archive = zipfile.ZipFile(io.BytesIO(content))
        content = b"".join(archive.read(name) for name in archive.namelist())
    return (content.decode("utf-8", "replace") + json.dumps(dict(answer.headers))).lower()


@pytest.fixture(scope="module")
def secret(playground: Launched) -> Secret:
    with Visitor.client(playground.url, playground.issuer, "viettel-api") as operator:
        files = {
            code: operator.send_file(f"{MARK}.pdf", paper(f"{title} {MARK}"))["id"] for code, title in PARTS.items()
        }
        place = {"lon": POINT[0], "lat": POINT[1]}
        parts = [{"code": code, "file": file} for code, file in files.items()]
        filed = operator.post("/api/permits/v1/applications", {"sites": [site(name=MARK, **place)], "parts": parts})
        facts = {
            "capacity": 3, "code": ["ND163", "A1"], "commune": "32002@2025-07", "foundation": "ground",
            "height_m": "42.00", "name": PLANNED, "owner": "VIETTEL", "point": POINT, "status": "planned",
        }  # fmt: skip
        planned = {"evidence": 1, "reason": PLANNED, "facts": facts, "valid_from": "2026-03-01"}
        mast = operator.post("/api/registry/v1/masts", planned)["id"]
        agreed = _agreement(operator)
    with Visitor.person(playground.url, "sxd.lan") as officer:
        asked = {"outcome": "incomplete", "items": [{"code": "drawings", "reason": MARK}]}
        officer.post(f"/api/permits/v1/applications/{filed['id']}/completeness", asked)
    return Secret(filed["id"], filed["number"], [*files.values()], mast, *agreed)


def _agreement(operator: Visitor) -> tuple[str, str]:
    """With MobiFone on a mast that has none yet; its id and the mast's."""
    for mast in operator.get("/api/registry/v1/masts", owner="VIETTEL", status="in_service", limit=50)["items"]:
        body = {"kind": "lease", "number": MARK, "structure_id": mast["id"], "tenant": "MOBIFONE"}
        try:
            made = operator.post("/api/sharing/v1/agreements", {**body, "valid_from": "2026-11-01"})
        except httpx.HTTPStatusError:
            continue
        return made["id"], mast["id"]
    raise AssertionError("no mast is free")


def _questions(secret: Secret) -> Iterator[str]:
    ids = [secret.dossier, secret.mast, secret.agreement, secret.files[0], secret.structure]
    for path, methods in DOCUMENT["paths"].items():
        if "get" in methods and path.startswith("/api/"):
            asked = methods["get"].get("parameters", ())
            named = [each for each in asked if each["in"] == "path"]
            known = {each["name"] for each in asked if each["in"] == "query"}
            for values in product(*(_values(each["schema"], ids) for each in named)):
                filled = path
                for parameter, value in zip(named, values, strict=True):
                    filled = filled.replace(f"{{{parameter['name']}}}", value)
                if not set(values) & set(ids):
                    yield from (f"{filled}?{query}" for query in _pointed(secret, known))
                else:
                    yield filled


def _values(schema: dict[str, Any], ids: list[str]) -> list[str]:
    """The things that are to be found under an id; a name of something as the document gives it."""
    if schema.get("format") == "uuid":
        return ids
    return [str(value) for value in schema.get("examples", ())] or ["viettel-api", "viettel.an"]


def _pointed(secret: Secret, known: set[str]) -> Iterator[str]:
    bound = f"{POINT[0] - 0.001},{POINT[1] - 0.001},{POINT[0] + 0.001},{POINT[1] + 0.001}"
    wanted = {
        "name": PLANNED, "number": secret.number, "bbox": bound, "status": "planned", "owner": "VIETTEL",
        "applicant": "VIETTEL", "party": "VIETTEL", "tenant": "MOBIFONE", "structure_id": secret.structure,
        "operator": "VIETTEL", "org": "VIETTEL", "organisation": "VIETTEL", "expand": "stations,tenants,reviews",
        "after": "0", "known_at": "2026-12-31T00:00:00Z", "state": "incomplete", "unit": "32002@2025-07",
    }  # fmt: skip
    more = "".join(f"&{name}={value}" for name, value in (("limit", "60"), ("total", "true")) if name in known)
    yield more.removeprefix("&")
    if "q" in known:
        yield from (f"q={mark}{more}" for mark in (MARK, PLANNED))
    yield from (f"{name}={value}{more}" for name, value in wanted.items() if name in known)


def _outsiders(running: Launched) -> Iterator[tuple[str, Visitor]]:
    yield "nobody", Visitor(running.url)
    yield "vnpt-api", Visitor.client(running.url, running.issuer, "vnpt-api")
    for name in ("vnpt.binh", ADMINISTRATOR):
        yield name, Visitor.person(running.url, name)


def test_no_read_of_the_document_tells_a_secret_to_an_outsider(playground: Launched, secret: Secret) -> None:
    told, tried = [], 0
    for who, visitor in _outsiders(playground):
        with visitor:
            for question in _questions(secret):
                for form in FORMS if "?" in question else FORMS[:1]:
                    answer = visitor.http.get(question, headers={"Accept": form})
                    tried += 1
                    assert answer.status_code < 500, (who, question, form, answer.text[:300])
                    told += [(who, question, form, sign) for sign in secret.in_(answer, who)]
                    if form == FORMS[0] and f"={MARK}" in question and answer.status_code == 200:
                        assert not answer.json().get("total"), (who, question)
    assert told == []
    assert tried > 1000


def test_no_page_tells_a_secret_to_an_outsider(playground: Launched, secret: Secret) -> None:
    told = []
    values = {"mark": MARK, "dossier": secret.dossier, "mast": secret.mast, "agreement": secret.agreement}
    values["bbox"] = f"{POINT[0] - 0.001},{POINT[1] - 0.001},{POINT[0] + 0.001},{POINT[1] + 0.001}"
    for who, visitor in _outsiders(playground):
        with visitor:
            for page in PAGES:
                answer = visitor.http.get(page.format(**values), headers={"Accept": "text/html"})
                told += [(who, page, sign) for sign in secret.in_(answer, who)]
    assert told == []


def test_whose_it_is_sees_it(playground: Launched, secret: Secret) -> None:
    """Else the two tests above would prove nothing."""
    missing = {*secret.case, *secret.planned}
    with Visitor.client(playground.url, playground.issuer, "viettel-api") as operator:
        for question in _questions(secret):
            told = _text(operator.http.get(question))
            missing -= {sign for sign in missing if sign.lower() in told}
            if not missing:
                return
    raise AssertionError(missing)
