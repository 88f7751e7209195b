"""A query that reads of structures, stations or accounts takes the caller, or stands on the list with its reason."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from services.registry import tables

pytestmark = pytest.mark.unit
QUERIES = Path(__file__).parents[2] / "services" / "registry" / "queries"
TWO_TIMES = ("structure", "structure_change", "structure_version", "station", "station_change", "station_version")
ACCOUNTS = ("account", "account_step", "account_finding", "account_review", "account_look")
IMPORTS = ("import_job", "import_part", "import_row", "import_mapping")
PROTECTED = (*TWO_TIMES, "placement", *ACCOUNTS, *IMPORTS, "outbox", "audit")
# `{0}_version`: a text that is filled in with the thing's name.
_READS = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO)\s+({'|'.join(PROTECTED)}|\{{\w*\}}_(?:change|version))\b")
_LEDGERS = {"Ledger", "LEDGERS", "STRUCTURES", "STATIONS"}
LOCKING = "what a command locks; the command then asks the policy itself, and the worker's handlers obey a decision"
PROOF = "what the service proves about itself: ids for whoever runs it"
WORKER = "what the worker visits to keep the realm as recorded; nobody is told"
IMPORT = "what the worker does for an import, in the name of whoever sent it and with the rights held then"
ALLOWED: Mapping[str, str] = {
    "imports.due_job": IMPORT,
    "imports.part": IMPORT,
    "imports.matches": "of what it finds the worker tells only what the sender may import",
    "imports.refuse_doubled": IMPORT,
    "imports.waiting_rows": IMPORT,
    "imports.note_outcomes": IMPORT,
    "imports.rows_to_write": "of a job that the command opened for the caller before",
    "accounts.steps": "of an account that `account` showed the caller before",
    "accounts.due_steps": WORKER,
    "accounts.lately_changed": WORKER,
    "access.look": "when the realm was last looked at, and the error of that; no account among it",
    "logs.logs": LOCKING,
    "logs.all_logs": PROOF,
    "logs.projected": PROOF,
    "proof.faults": PROOF,
    "proof.differences": PROOF,
    "digests.digests": PROOF,
    "figures.structures": "counts for the operators of the system, no structure among them",
    "references.registered": "an import asks it of owners for whom the caller may import, and of no others",
    "references.existing_structures": "ids that a decision of ours gave out: whether one is recorded already",
    "structures.near": "masts that stand, for another service's rule; a test shows that it is silent about plans",
}


def faults(module: str, source: str) -> Iterator[str]:
    """The functions of a module that read protected tables and take no `actor`."""
    own = _parts(source)
    for name, node in own.items():
        asks = isinstance(node, ast.AsyncFunctionDef) and not name.startswith("_")
        if asks and not _takes_actor(node) and _reads(node, {**_shared(), **own}, set()):
            yield f"{module}.{name}"


def _parts(source: str) -> dict[str, ast.stmt]:
    return {name: node for node in ast.parse(source).body for name in _defined(node)}


@cache
def _shared() -> dict[str, ast.stmt]:
    """The SQL that several modules share."""
    return {name: node for file in ("reach", "asked") for name, node in _parts(_source(file)).items()}


def _source(module: str) -> str:
    return (QUERIES / f"{module}.py").read_text()


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (each.id for each in targets if isinstance(each, ast.Name))


def _reads(node: ast.AST, parts: Mapping[str, ast.stmt], seen: set[str]) -> bool:
    """Whether the code mentions a protected table, also through constants and functions that it names."""
    for each in ast.walk(node):
        if isinstance(each, ast.JoinedStr) and _READS.search(ast.unparse(each)):
            return True
        if isinstance(each, ast.Constant) and isinstance(each.value, str) and _READS.search(each.value):
            return True
        if isinstance(each, ast.Name) and each.id not in seen:
            seen.add(each.id)
            # A function that takes the caller guards what it reads itself.
            inner = parts.get(each.id)
            if each.id in _LEDGERS or (inner and not _takes_actor(inner) and _reads(inner, parts, seen)):
                return True
    return False


def _takes_actor(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return "actor" in {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]}


def test_every_query_on_what_is_protected_takes_the_caller_or_has_a_reason() -> None:
    found = {fault for file in sorted(QUERIES.glob("*.py")) for fault in faults(file.stem, file.read_text())}
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "no longer needed on the list"


def test_every_table_is_protected_or_open() -> None:
    """A new table is either of what everybody may know, the kernel's own, or protected."""
    places = {"mandate", "boundary_set", "unit", "unit_succession", "unit_placement", "boundary"}
    organisations = {"organisation", "organisation_change", "organisation_version"}
    own = {"inbox", "parked", "audit_root", "idempotency", "heartbeat", "watermark", "number_series", "publication"}
    # Words of the search, whoever's: they lead to no structure but through the queries above.
    own |= {"search_word"}
    assert set(tables.metadata.tables) - places - organisations - own == set(PROTECTED)


READING = "async def rows(read):\n    return await read.execute({})"


@pytest.mark.parametrize(
    "source",
    [
        READING.format("'SELECT public_no FROM structure g'"),
        "_FROM = 'FROM station_version s'\n_ALL = f'SELECT 1 {_FROM}'\n" + READING.format("_ALL"),
        "_LOG = 'SELECT 1 FROM {0}_change c'\n" + READING.format("_LOG.format('structure')"),
        READING.format("f'SELECT {USED}'"),
        READING.format("sa.select(STRUCTURES.versions)"),
        "def _text():\n    return 'SELECT 1 FROM x JOIN placement p'\n" + READING.format("_text()"),
    ],
)
def test_the_rule_bites(source: str) -> None:
    assert list(faults("made_up", source)) == ["made_up.rows"]
    assert list(faults("made_up", source.replace("(read)", "(read, *, actor)"))) == []
