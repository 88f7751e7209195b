"""A query on structures or agreements takes the caller, or stands on the list below with its reason."""

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from services.registry.domain.status import OPEN_TO_ALL as REGISTRY_OPENS
from services.sharing import tables
from services.sharing.domain.status import OPEN_TO_ALL

pytestmark = pytest.mark.unit
QUERIES = Path(__file__).parents[2] / "services" / "sharing" / "queries"
AGREEMENTS = ("agreement", "agreement_change", "agreement_version")
STRUCTURES = ("structure", "structure_copy", "station_copy", "ratio_span")
# Summed up, so that a `Scope` is enough: nobody has one whom `scope` did not let ask.
SUMS = ("ratio_delta", "ratio_checkpoint")
REPORTS = ("report_cycle", "report", "report_line", "report_version", "report_reminder", "report_contact", "mail")
STATEMENTS = ("statement", "statement_line", "indicator_value")
CONTRADICTIONS = ("contradiction", "audit_plan", "audit_item")
PROTECTED = (*AGREEMENTS, *STRUCTURES, *SUMS, *REPORTS, *STATEMENTS, *CONTRADICTIONS, "belief", "outbox", "audit")
# A table whose name is filled in may be any.
_READS = re.compile(rf"\b(?:FROM|JOIN|UPDATE|INTO)\s+({'|'.join(PROTECTED)}|\{{)(?:\b|(?<=\{{))")
SEEN = "of an agreement that `agreement` showed or locked for the caller before"
RULE = "what the rule against doubled agreements compares; a refusal tells the day on which one of the caller's begins"
COPIES = "what the copies hold, for the handlers that keep them; nobody is told"
COUNTING = "what is counted anew, for the handlers and commands that do so; nobody is told"
PROOF = "what the service proves about itself: ids and counts for whoever runs it"
ROUND = "of a round itself, for the command that has asked the policy; it names no enterprise"
NEAR = "what stands in service, for another service; it tells no plan and no tenant"
LOOKING = "what the worker compares with the work list; nobody is told"
COMMAND = "of the structure that `agree` locks before it asks the policy; its refusals tell nothing of it"
ALLOWED: Mapping[str, str] = {
    "agreements.change_rows": SEEN,
    "agreements.changes": SEEN,
    "agreements.open_rectangles": SEEN,
    "agreements.periods_of_pair": RULE,
    "report_contacts.addressed": ROUND,
    "reports.last_numbers": ROUND,
    "reports.locked_cycle": ROUND,
    "reports.open_cycles": ROUND,
    "statements.ids": PROOF,
    "structures.structure": COMMAND,
    "shareable.masts_to_share": NEAR,
    "structures.standing": COMMAND,
    "series.lock_structures": COPIES,
    "series.counted_before": COUNTING,
    "histories.histories": COUNTING,
    "histories.structure_ids_after": COUNTING,
    "histories.structure_ids_of_communes": COUNTING,
    "histories.structure_ids_of_organisations": COUNTING,
    "beliefs.keys": PROOF,
    "beliefs.holes": PROOF,
    "beliefs.moments": PROOF,
    "beliefs.sums": PROOF,
    "beliefs.wrongly_cut": PROOF,
    "beliefs.unplaced_stations": PROOF,
    "beliefs.agreement_ids_after": PROOF,
    "beliefs.agreement_logs": PROOF,
    "beliefs.agreement_rectangles": PROOF,
    "checkpoints.has_stale": COUNTING,
    "checkpoints.next_line": COUNTING,
    "checkpoints.day_lines": COUNTING,
    "checkpoints.sums": COUNTING,
    "checkpoints.wrong_ones": PROOF,
    "digests.digests": PROOF,
    "contradictions.differences": LOOKING,
}


def faults(module: str, source: str) -> Iterator[str]:
    """The functions of a module that read protected tables and take no `actor`."""
    tree = ast.parse(source)
    parts = {name: node for node in tree.body for name in _defined(node)}
    for name, node in parts.items():
        asks = isinstance(node, ast.AsyncFunctionDef) and not name.startswith("_")
        if asks and not _takes(node, "actor"):
            read = _read_by(node, parts, set())
            if read - set(SUMS if _takes(node, "scope") else ()):
                yield f"{module}.{name}"


def _defined(node: ast.stmt) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        yield node.name
    elif isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        yield from (each.id for each in targets if isinstance(each, ast.Name))


def _read_by(node: ast.AST, parts: Mapping[str, ast.stmt], seen: set[str]) -> set[str]:
    """Protected tables that the code mentions, also through constants and functions of its module."""
    found: set[str] = set()
    for each in ast.walk(node):
        if isinstance(each, ast.JoinedStr):
            found |= set(_READS.findall(ast.unparse(each)))
        elif isinstance(each, ast.Constant) and isinstance(each.value, str):
            found |= set(_READS.findall(each.value))
        elif isinstance(each, ast.Name) and each.id in parts and each.id not in seen:
            seen.add(each.id)
            # A function that takes the caller guards what it reads itself.
            if not _takes(parts[each.id], "actor"):
                found |= _read_by(parts[each.id], parts, seen)
    return found


def _takes(node: ast.stmt, name: str) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    return name in {argument.arg for argument in [*node.args.args, *node.args.kwonlyargs]}


def test_every_query_on_what_is_protected_takes_the_caller_or_has_a_reason() -> None:
    found = {fault for file in sorted(QUERIES.glob("*.py")) for fault in faults(file.stem, file.read_text())}
    assert found - set(ALLOWED) == set()
    assert set(ALLOWED) - found == set(), "no longer needed on the list"


def test_every_table_is_protected_or_open() -> None:
    """A new table is either published law, what everybody may know of places and enterprises, or protected."""
    law = {"indicator", "definition", "plan", "target", "agreement_kind", "boundary_set", "ratio_series", "ratio_group"}
    places = {"unit_copy", "placement", "organisation_copy"}
    own = {
        "statement_number",
        "inbox",
        "parked",
        "audit_root",
        "idempotency",
        "heartbeat",
        "watermark",
        "contradiction_look",
    }
    assert set(tables.metadata.tables) - law - places - own == set(PROTECTED)


def test_both_services_hold_the_same_for_a_plan() -> None:
    assert OPEN_TO_ALL == REGISTRY_OPENS


READING = "async def rows(read):\n    return await read.execute({})"


@pytest.mark.parametrize(
    "source",
    [
        READING.format("'SELECT tenant FROM agreement a'"),
        READING.format("f'SELECT 1 FROM {table} c'"),
        "_FROM = 'FROM structure_copy c'\n_ALL = f'SELECT 1 {_FROM}'\n" + READING.format("_ALL"),
        "def _text():\n    return 'SELECT 1 FROM x JOIN ratio_span p'\n" + READING.format("_text()"),
        READING.format("'SELECT den FROM ratio_delta'"),
    ],
)
def test_the_rule_bites(source: str) -> None:
    assert list(faults("made_up", source)) == ["made_up.rows"]
    assert list(faults("made_up", source.replace("(read)", "(read, *, actor)"))) == []


def test_a_scope_is_enough_for_a_sum_and_not_for_a_list() -> None:
    of_scope = READING.replace("(read)", "(read, scope)")
    assert list(faults("made_up", of_scope.format("'SELECT den FROM ratio_delta'"))) == []
    assert list(faults("made_up", of_scope.format("'SELECT 1 FROM ratio_span'"))) == ["made_up.rows"]
