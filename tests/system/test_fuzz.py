"""What nobody thought of, asked by every role: no crash, and no answer that the document does not promise.

A run bounded to a minute with a fixed seed; `make fuzz` gives it FUZZ_SECONDS for a long one.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from infra.documents import merged
from infra.local.visitor import Visitor
from tests.fixtures.product import Launched

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


def caller(playground: Launched, name: str) -> dict[str, str]:
    if not name:
        return {}
    if name.endswith("-api"):
        visitor = Visitor.client(playground.url, playground.issuer, name)
    else:
        visitor = Visitor.person(playground.url, name)
    with visitor:
        wanted = ("authorization", "cookie", "origin")
        return {key: value for key, value in visitor.http.headers.items() if key in wanted}


@pytest.mark.timeout(SECONDS + 120)
@pytest.mark.parametrize("phases", ["examples,coverage,fuzzing", "stateful"])
@pytest.mark.parametrize("role", ROLES)
def test_no_crash_and_no_answer_beside_the_document(playground: Launched, role: str, phases: str, tmp_path: Path):
    headers = [f"--header={name}:{value}" for name, value in caller(playground, ROLES[role]).items()]
    options = {
        "--url": playground.url,
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
