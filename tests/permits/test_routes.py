"""Every route: 401 without a token, and 403 or 404 for everybody who has no business there. Made from the routes."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx
import pytest
from fastapi.routing import iter_route_contexts

from services.permits.app import create
from services.permits.domain import policy
from tests.fixtures.service import RolledBack
from tests.permits import world
from tests.permits.world import person, settings

pytestmark = pytest.mark.database
Header = Callable[..., dict[str, str]]
PUBLIC = ("/health/", "/openapi.json")
EVERYBODY = {("GET", "/api/permits/v1/procedures"), ("GET", "/api/permits/v1/applications")}
BODIES: dict[str, Any] = {
    "completeness": {"outcome": "complete"},
    "supplements": {"parts": [{"code": "drawings", "file": str(uuid4())}]},
    "opinion-drafts": {"function": "construction", "outcome": "agree"},
    "opinions": {"function": "construction", "outcome": "agree"},
    "decision": {"outcome": "no_objection"},
    "extensions": {"days": 1},
    "notices": {"kind": "commencement", "on": "2026-11-25"},
    "withdrawal": {},
    "applications": {"sites": [{"lon": 105.1, "lat": 9.1, "commune": "x"}]},
}
STRANGERS = [
    person("nobody", "SXD"),
    person("other applicant", "VNPT", "applicant", "owner"),
    person("other reviewer", "BCH", "reviewer", "head", "lead", "registrar", functions=("defence",)),
    person("publisher", "SKHCN", "publisher"),
    world.ADMIN,
]


def routes() -> list[tuple[str, str]]:
    app = create(settings())
    found = []
    for context in iter_route_contexts(app.routes):
        for method in sorted(getattr(context, "methods", None) or ()):
            if method != "HEAD" and not context.path.startswith(PUBLIC):
                found.append((method, context.path))  # noqa: PERF401
    return found


ROUTES = routes()


async def ask(client: httpx.AsyncClient, method: str, path: str, header: dict[str, str]) -> httpx.Response:
    if method == "GET":
        return await client.get(path, headers=header)
    last = path.rsplit("/", 1)[-1]
    if path.startswith("/api"):
        return await client.request(method, path, json=BODIES.get(last), headers=header)
    return await client.request(method, path, data={}, headers=header)


def test_the_walk_finds_the_routes() -> None:
    assert len([path for _, path in ROUTES if path.startswith("/api/permits/v1/")]) >= 18


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_without_a_token_there_is_nothing(client: httpx.AsyncClient, method: str, path: str) -> None:
    answer = await ask(client, method, path.replace("{id}", str(uuid4())), {})
    assert answer.status_code == 401
    assert answer.headers.get("www-authenticate") == "Bearer"


@pytest.mark.parametrize(("method", "path"), [r for r in ROUTES if r not in EVERYBODY and r[1].startswith("/api")])
async def test_a_stranger_is_turned_away(
    client: httpx.AsyncClient, header: Header, database: RolledBack, method: str, path: str
) -> None:
    async with database.tx() as tx:
        receipt = await world.filed(tx)
        file_id = await world.stored(tx, world.AN)
    held = str(file_id if "/files/" in path else receipt.id)
    for stranger in STRANGERS:
        if _own_business(method, path, stranger):
            continue
        answer = await ask(client, method, path.replace("{id}", held), header(stranger))
        assert answer.status_code in (403, 404), (stranger.id, answer.text)


def _own_business(method: str, path: str, stranger: Any) -> bool:
    """What a stranger to this dossier may well do with others."""
    permission = {
        ("POST", "/api/permits/v1/files"): "permits:file:store",
        ("POST", "/api/permits/v1/applications"): "permits:application:file",
        ("GET", "/api/permits/v1/queue"): "permits:queue:read",
    }.get((method, path))
    return permission is not None and policy.allowed(stranger, permission)


def test_the_matrix_names_each_permission_once_per_capability() -> None:
    listed = list(policy.matrix())
    assert len(set(listed)) == len(listed)
    assert ("permits:decision:make", "lead", "lead_of") in listed
