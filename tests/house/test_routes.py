"""Closed by default, generated from the routes: no token, 401; a wrong capability, 403 or 404."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute, iter_route_contexts

from kernel.edge import Needs, Open
from tests.fixtures.realm import Realm
from tests.fixtures.service import client_of, settings_for

pytestmark = pytest.mark.unit
SERVICES = ("registry", "permits", "sharing")
CAPABILITIES = (
    "applicant", "owner", "registrar", "reviewer", "head", "lead", "auditor", "publisher", "administrator",
)  # fmt: skip
PUBLIC = {"/health/live", "/health/ready"}
REALM = Realm()


@dataclass(frozen=True)
class Door:
    service: str
    method: str
    path: str
    permission: str | None
    capabilities: frozenset[str]

    def __str__(self) -> str:
        return f"{self.method} {self.path}"

    @property
    def address(self) -> str:
        return re.sub(r"\{[^}]+\}", str(UUID(int=1)), self.path)


@cache
def app_of(service: str) -> FastAPI:
    return import_module(f"services.{service}.app").create(settings_for(service, "postgresql://localhost:1/none"))


def is_open(context: Any) -> bool:
    return any(isinstance(dependency.call, Open) for dependency in context.dependant.dependencies)


def doors(service: str) -> Iterator[Door]:
    for context in iter_route_contexts(app_of(service).routes):
        route: Any = context.original_route
        if not isinstance(route, APIRoute) or context.path in PUBLIC or is_open(context):
            continue
        needs = [d.call for d in context.dependant.dependencies if isinstance(d.call, Needs)]
        permission = needs[0].permission if needs else None
        capabilities = frozenset.intersection(*(n.capabilities for n in needs)) if needs else frozenset()
        for method in sorted(context.methods or ()):
            yield Door(service, method, context.path, permission, capabilities)


# Read by everybody without signing in; what is not on this list asks for a token.
OPEN = {
    *(f"/api/sharing/v1/open/{name}{form}" for name in ("ratios", "targets", "indicators", "statements")
      for form in ("", ".csv", ".xlsx")),
    "/sharing/open",
    "/registry/open/plates/{public_no}",
}  # fmt: skip


def test_what_is_open_is_on_the_list_and_only_reads():
    found = {
        (context.path, method)
        for service in SERVICES
        for context in iter_route_contexts(app_of(service).routes)
        if isinstance(context.original_route, APIRoute) and is_open(context)
        for method in context.methods
    }
    assert found == {(path, "GET") for path in OPEN}


ALL = [door for service in SERVICES for door in doors(service)]


def test_every_route_names_the_permission_it_needs():
    assert [str(door) for door in ALL if door.permission is None] == []


@pytest.mark.parametrize("service", SERVICES)
async def test_no_token_is_401_everywhere(service):
    async with client_of(
        app_of_settings(service), settings_for(service, "postgresql://localhost:1/none"), REALM
    ) as client:
        for door in doors(service):
            answer = await client.request(door.method, door.address)
            assert answer.status_code == 401, str(door)
            assert answer.json()["code"] == "Unauthenticated"


@pytest.mark.parametrize("service", SERVICES)
async def test_a_wrong_capability_is_refused_everywhere(service):
    async with client_of(
        app_of_settings(service), settings_for(service, "postgresql://localhost:1/none"), REALM
    ) as client:
        for door in doors(service):
            for capability in set(CAPABILITIES) - door.capabilities if door.capabilities else ():
                header = REALM.header("stranger", "STRANGER", capability)
                answer = await client.request(door.method, door.address, headers=header)
                assert answer.status_code in (403, 404), f"{door} as {capability}: {answer.status_code}"


def app_of_settings(service: str) -> Any:
    return import_module(f"services.{service}.app").create
