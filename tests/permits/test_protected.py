"""A query that reads of dossiers takes the caller, or stands on the list below with its reason."""

import ast
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

from services.permits import tables

pytestmark = pytest.mark.unit
QUERIES = Path(__file__).parents[2] / "services" / "permits" / "queries"
PROTECTED = (
    "application",
    "application_site",
    "application_part",
    "file",
    "file_chunk",
    "review",
    "review_step",
    "decision",
    "share_option",
    "message",
    "notification",
    "decision_condition",
    "notice",
    "supplement_request",
    "deadline",
    "clock_event",
    "outbox",
    "audit",
)
_READS = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO)\s+({'|'.join(PROTECTED)})\b")
_MODELS = {
    name
    for name, thing in vars(tables).items()
    if isinstance(thing, type) and getattr(thing, "__tablename__", None) in PROTECTED
}
SEEN = "of a dossier that `application` showed or locked for the caller before"
WORKER = "what the worker visits; nobody is told"
PROOF = "what the service proves about itself; counts and ids for whoever runs it"
COUNTS = "counts for the operators of the system, no dossier among them"
ALLOWED: Mapping[str, str] = {
    "dossier.ledger": SEEN,
    "dossier.sites": SEEN,
    "dossier.site_drafts": SEEN,
    "dossier.supplement_requests": SEEN,
    "dossier.live_parts": SEEN,
    "dossier.decision": SEEN,
    "dossier.notices": SEEN,
    "dossier.running": SEEN,
    "conditions.followed": SEEN,
    "conditions.side_by_side": SEEN,
    "files.own_file": "whether one organisation sent it, asked for that organisation's dossier",
    "opinions.draft": SEEN,
    "drafts.preview": "numbers and days for whoever publishes a calendar; no content of any dossier",
    "drafts.moved": WORKER,
    "people.happened": WORKER,
    "sharing.options_asked": SEEN,
    "sharing.unasked": WORKER,
    "people.due_soon": WORKER,
    "people.overdue": WORKER,
    "people.digest_readers": WORKER,
    "people.digest_rows": WORKER,
    "people.letters": WORKER,
    "opinions.next_step": SEEN,
    "proof.deadlines": SEEN,
    "files.chunk": "of a file that `file` showed the caller before",
    "files.content": "of a file that `file` showed the caller before",
    "figures.dossiers": COUNTS,
    "statistics.step_figures": COUNTS,
    "statistics.month_figures": COUNTS,
    "figures.deadlines": COUNTS,
    "figures.staged_files": COUNTS,
    "files.next_staged": WORKER,
    "files.stale_chunks": WORKER,
    "files.expired_files": WORKER,
    "files.stored_names": WORKER,
    "proof.expired": WORKER,
    "proof.running_dossiers": WORKER,
    "proof.running_clocks": WORKER,
    "filing.filing_ground": "files by the ids in the request; the rule refuses those of other organisations",
    "filing.part_ground": "files by the ids in the request; the rule refuses those of other organisations",
    "proof.deadline_rows": PROOF,
    "proof.number_gaps": PROOF,
    "proof.decided_without_row": PROOF,
    "proof.part_hashes": PROOF,
}


def faults(module: str, source: str) -> Iterator[str]:
    """The functions of a module that read protected tables and take no `actor`."""
    tree = ast.parse(source)
    own = {name: node for node in tree.body for name in _defined(node)}
    for name, node in own.items():
        asks = isinstance(node, ast.AsyncFunctionDef) and not name.startswith("_")
        if asks and not _takes_actor(node) and _read_by(node, {**_pieces(), **own}, set()):
            yield f"{module}.{name}"


@cache
def _pieces() -> dict[str, ast.stmt]:
    """The SQL that several modules share."""
    tree = ast.parse((QUERIES / "pieces.py").read_text())
    return {name: node for node in tree.body for name in _defined(node)}


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (each.id for each in targets if isinstance(each, ast.Name))


def _read_by(node: ast.AST, parts: Mapping[str, ast.stmt], seen: set[str]) -> set[str]:
    """Protected tables and models that the code mentions, also through constants and functions of its module."""
    texts = "\n".join(
        each.value for each in ast.walk(node) if isinstance(each, ast.Constant) and isinstance(each.value, str)
    )
    found = set(_READS.findall(texts))
    for each in ast.walk(node):
        if isinstance(each, ast.Name) and each.id not in seen:
            seen.add(each.id)
            found |= {each.id} & _MODELS
            # A function that takes the caller guards what it reads itself.
            if each.id in parts and not _takes_actor(parts[each.id]):
                found |= _read_by(parts[each.id], parts, seen)
    return found


def _takes_actor(node: ast.stmt) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return "actor" in {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]}


def test_every_query_on_dossiers_takes_the_caller_or_has_a_reason() -> None:
    found = {fault for file in sorted(QUERIES.glob("*.py")) for fault in faults(file.stem, file.read_text())}
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "no longer needed on the list"


def test_every_table_of_dossiers_is_protected() -> None:
    """A new table is either law, a copy of the registry, the kernel's own, or protected."""
    open_to_all = {
        "procedure_version",
        "calendar_version",
        "calendar_day",
        "code_entry",
        "number_series",
        "duty",
        "person",
        "law_draft",
        "preference",
        "told",
        "mail",
        "phrase",
    }
    own = {"inbox", "parked", "audit_root", "idempotency", "heartbeat", "watermark"}
    copies = {name for name in tables.metadata.tables if name.endswith("_copy")}
    assert set(tables.metadata.tables) - open_to_all - own - copies == set(PROTECTED)


READING = "async def rows(read):\n    return await read.execute({})"


@pytest.mark.parametrize(
    "source",
    [
        READING.format("'SELECT number FROM application a'"),
        "_FROM = 'FROM review r'\n_ALL = f'SELECT 1 {_FROM}'\n" + READING.format("_ALL"),
        READING.format("select(Decision)"),
        READING.format("f'SELECT {SITES}'"),
        "def _text():\n    return 'SELECT 1 FROM x JOIN file f'\n" + READING.format("_text()"),
    ],
)
def test_the_rule_bites(source: str) -> None:
    assert list(faults("made_up", source)) == ["made_up.rows"]
    assert list(faults("made_up", source.replace("(read)", "(read, *, actor)"))) == []
