"""Everything dies once, under one running load of filings: nothing accepted is lost or doubled, copies agree."""

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import pytest

from infra.local.main_job import everybody, file_dossier, mast_with, review_and_decide, site
from infra.local.papers import paper
from infra.local.visitor import JSON, Visitor, wait_for
from tests.fixtures.product import Launched, running_product
from tests.fixtures.servers import ROOT

pytestmark = [pytest.mark.system, pytest.mark.fault, pytest.mark.timeout(600)]
CLIENTS = ("viettel-api", "vnpt-api", "mobifone-api")
KILLED = (
    "registry.api", "registry.worker", "permits.api", "permits.worker", "sharing.api", "sharing.worker", "gateway",
    "identity", "nats",
)  # fmt: skip
WANTED = 200
NATS_AWAY = 20


@dataclass
class Load:
    """Operators' systems that file without pause: the same key again until there is an answer."""

    product: Launched
    accepted: dict[str, JSON] = field(default_factory=dict)
    times: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    _stop: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def start(self) -> None:
        self._threads = [threading.Thread(target=self._run, args=(name,), daemon=True) for name in CLIENTS]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive()

    def _run(self, name: str) -> None:
        visitor = self._signed_in(name)
        for number in itertools.count():
            if self._stop.is_set():
                return
            key = f"{name}-{number}"
            part = self._insist(name, visitor, "files", key, content=paper(f"Ban ve {key}"), params={"name": "a.pdf"})
            place = site(name=f"Tải {key}", lon=105.1 + number * 1e-5, lat=9.1 + len(name) * 1e-3)
            if not part:
                return
            body = {"sites": [place], "parts": [{"code": c, "file": part["id"]} for c in ("land_paper", "drawings")]}
            receipt = self._insist(name, visitor, "applications", key, json=body)
            if receipt:
                self.accepted[key] = receipt
                self.times.append(time.monotonic())

    def _insist(self, name: str, visitor: Visitor, path: str, key: str, **request: object) -> JSON:
        """Repeats with the same key through every outage, as the README tells an integrator."""
        while True:
            try:
                answer = visitor.http.post(
                    f"/api/permits/v1/{path}", headers={"Idempotency-Key": f"{path}-{key}"}, **request
                )  # type: ignore[arg-type]
                if answer.status_code == 201:
                    found: JSON = answer.json()
                    return found
                if answer.status_code == 401:
                    visitor.http.headers = self._signed_in(name).http.headers
                elif answer.status_code < 500:
                    self.refused.append(f"{key}: {answer.status_code} {answer.text[:300]}")
                    self._stop.set()
                    return {}
            except httpx.HTTPError:
                pass
            time.sleep(0.2)

    def _signed_in(self, name: str) -> Visitor:
        while True:
            try:
                return Visitor.client(self.product.url, self.product.issuer, name)
            except (httpx.HTTPError, RuntimeError):
                time.sleep(0.2)

    def since(self, moment: float) -> int:
        return sum(at >= moment for at in self.times)


@pytest.fixture(scope="module")
def product() -> Iterator[Launched]:
    with running_product(DEMO="1") as launched:
        yield launched


def verify(product: Launched) -> "subprocess.CompletedProcess[str]":
    """The product's own proof, run beside it."""
    env = {**os.environ, "DATA_DIR": str(product.folder), "PORT": str(product.port), "DEMO": "1"}
    env |= {"IDENTITY_PORT": str(product.identity_port)}
    argv = [sys.executable, "-m", "infra.local", "verify"]
    return subprocess.run(argv, env=env, cwd=ROOT, capture_output=True, text=True, check=False)


def well(product: Launched) -> bool:
    """Copies follow within moments, so a first look may come too early."""
    return verify(product).returncode == 0


def test_the_seed_leaves_everything_provable(product: Launched):
    wait_for(lambda: well(product), "verify after the seed", 90)


def test_nothing_accepted_is_lost_or_doubled_when_everything_dies_once(product: Launched):
    load = Load(product)
    load.start()
    try:
        _kill_in_sequence(product, load)
        _nats_away(product, load)
        _postgres_killed(product, load)
        wait_for(lambda: len(load.accepted) >= WANTED, f"{WANTED} filings", 120)
    finally:
        load.stop()
    assert load.refused == []
    product.until_ready()
    _every_dossier_once(product, load)
    _every_decision_builds_one_mast(product, load)
    outcome = wait_for(lambda: well(product), "verify after the faults", 120)
    assert outcome, verify(product).stderr


def _kill_in_sequence(product: Launched, load: Load) -> None:
    wait_for(lambda: len(load.accepted) >= 10, "the load to run", 60)
    for name in KILLED:
        _killed(product, name)
        moment = time.monotonic()
        wait_for(lambda moment=moment: load.since(moment) >= 3, f"filings after {name} died", 60)


def _killed(product: Launched, name: str) -> None:
    """Kills it and waits for another in its place: readiness alone may still speak of the one that is gone."""
    gone = product.pids()[name]
    product.kill(name)
    wait_for(lambda: product.pids().get(name, gone) != gone, f"{name} to be started again", 60)
    product.until_ready(90)


def _nats_away(product: Launched, load: Load) -> None:
    product.kill("nats", signal.SIGSTOP)
    moment = time.monotonic()
    time.sleep(NATS_AWAY)
    filed = load.since(moment)
    product.kill("nats", signal.SIGCONT)
    assert filed >= 10, f"only {filed} filings in {NATS_AWAY} s without the broker"
    product.until_ready()


def _postgres_killed(product: Launched, load: Load) -> None:
    _killed(product, "postgres")
    moment = time.monotonic()
    wait_for(lambda: load.since(moment) >= 3, "filings after PostgreSQL died", 60)


def _every_dossier_once(product: Launched, load: Load) -> None:
    """What each operator was told is there, under that number, and nothing else beside it."""
    for name in CLIENTS:
        visitor = Visitor.client(product.url, product.issuer, name)
        told = {key: receipt for key, receipt in load.accepted.items() if key.startswith(name)}
        listed = list(_all(visitor, "/api/permits/v1/applications"))
        for receipt in told.values():
            assert [row["number"] for row in listed if row["id"] == receipt["id"]] == [receipt["number"]]
        ours = [row for row in listed if row["sites"][0]["name"].startswith("Tải ")]
        assert len(ours) == len(told)
    numbers = [receipt["number"] for receipt in load.accepted.values()]
    assert len(numbers) == len(set(numbers))


def _all(visitor: Visitor, path: str) -> Iterator[JSON]:
    cursor = None
    while True:
        page = visitor.get(path, limit=200, cursor=cursor)
        yield from page["items"]
        cursor = page["next"]
        if cursor is None:
            return


def _every_decision_builds_one_mast(product: Launched, load: Load) -> None:
    people = everybody(product.url, product.issuer)
    some = [receipt for key, receipt in load.accepted.items() if key.startswith("viettel")][:5]
    fresh = file_dossier(people.operator, name="Sau sự cố")
    for receipt in (*some, fresh):
        review_and_decide(people, receipt["id"])
        mast_with(people, receipt["sites"][0]["structure_id"], "permitted")
    for receipt in some:
        name = people.operator.get(f"/api/permits/v1/applications/{receipt['id']}")["sites"][0]["name"]
        found = people.operator.get("/api/registry/v1/masts", q=name, owner="VIETTEL")["items"]
        assert [mast["name"] for mast in found].count(name) == 1
