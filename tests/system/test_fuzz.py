"""What nobody thought of, asked by every role: no crash, and no answer that the document does not promise.

A run bounded to a minute with a fixed seed; `make fuzz` gives it FUZZ_SECONDS for a long one.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra.documents import merged
from infra.local.visitor import Visitor
from tests.fixtures.product import Launched, running_product

pytestmark = pytest.mark.system
SECONDS = int(os.environ.get("FUZZ_SECONDS", "56"))
SEED = os.environ.get("FUZZ_SEED", "20261125")
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
ROLES = {
    "nobody": "",
    "an operator's system": "viettel-api",
    "an operator's person": "vnpt.binh",
    "a reviewer and registrar": "sxd.lan",
    "a head and lead": "sxd.hung",
    "an auditor and publisher": "skhcn.mai",
    "an administrator": "quantri",
}


@pytest.fixture(scope="module")
def target() -> Iterator[Launched]:
    """A product of its own, whose data may become anything, and which does not count requests."""
    with running_product(DEMO="1", RATE_UNITS="0", RATE_ADDRESS_UNITS="0") as launched:
        yield launched


def caller(target: Launched, name: str) -> dict[str, str]:
    if not name:
        return {}
    if name.endswith("-api"):
        visitor = Visitor.client(target.url, target.issuer, name)
    else:
        visitor = Visitor.person(target.url, name)
    with visitor:
        wanted = ("authorization", "cookie", "origin")
        return {key: value for key, value in visitor.http.headers.items() if key in wanted}


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("phases", ["examples,coverage,fuzzing", "stateful"])
@pytest.mark.parametrize("role", ROLES)
def test_no_crash_and_no_answer_beside_the_document(target: Launched, role: str, phases: str, tmp_path: Path):
    headers = [f"--header={name}:{value}" for name, value in caller(target, ROLES[role]).items()]
    options = {
        "--url": target.url,
        "--checks": CHECKS,
        "--seed": SEED,
        "--max-time": str(max(SECONDS // (2 * len(ROLES)), 2)),
        "--phases": phases,
        "--generation-database": "none",
        "--generation-with-security-parameters": "false",
        "--request-timeout": "20",
        "--suppress-health-check": "all",
        "--warnings": "off",
        "--report-dir": str(tmp_path),
    }
    given = [word for pair in options.items() for word in pair]
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", *given, *headers, str(merged.FILE)]
    made = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert made.returncode == 0, made.stdout[-20000:] + made.stderr[-3000:]
