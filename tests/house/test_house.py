"""The rules of the house that no linter knows; each with a test of its own that it bites."""

import ast
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

pytestmark = pytest.mark.unit
ROOT = Path(__file__).parents[2]
SERVICES = ("registry", "permits", "sharing")
FORBIDDEN_NAMES = {
    "utils", "helpers", "common", "misc", "base", "manager", "service", "processor", "data", "info", "do",
}  # fmt: skip


def modules(*folders: str) -> Iterator[tuple[Path, ast.Module]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            yield path.relative_to(ROOT), ast.parse(path.read_text())


def calls(tree: ast.Module, *names: str) -> list[int]:
    """Lines on which one of the dotted endings is called, such as `.commit` or `datetime.now`."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if any(called == name.lstrip(".") or called.endswith(name) for name in names):
                found.append(node.lineno)
    return found


def commits(tree: ast.Module) -> list[int]:
    return calls(tree, ".commit")


def asks_the_time(tree: ast.Module) -> list[int]:
    return calls(tree, "datetime.now", "datetime.utcnow", "date.today", "time.time")


def selects(tree: ast.Module) -> list[int]:
    return calls(tree, ".select") + [
        node.lineno
        for node in ast.walk(tree)
        if (isinstance(node, ast.Call) and ast.unparse(node.func) == "select")
        or (
            isinstance(node, ast.Constant)
            and isinstance(node.value, str)
            and node.value.lstrip().upper().startswith(("SELECT ", "WITH "))
            and " FROM " in node.value.upper()
        )
    ]


def unwelcome_names(tree: ast.Module) -> list[int]:
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return [n.lineno for n in ast.walk(tree) if isinstance(n, kinds) and n.name.lower().strip("_") in FORBIDDEN_NAMES]


def offences(rule: Callable[[ast.Module], list[int]], *folders: str, but: tuple[str, ...] = ()) -> list[str]:
    return [
        f"{path}:{line}"
        for path, tree in modules(*folders)
        if not any(part in str(path) for part in but)
        for line in rule(tree)
    ]


def test_nobody_commits():
    assert offences(commits, "services", "gateway", "contracts") == []


def test_the_time_is_an_argument():
    assert offences(asks_the_time, "services", "contracts", but=("/migrations/",)) == []


def test_every_select_stands_in_queries():
    assert offences(selects, "services", but=("/queries", "/migrations/")) == []


def test_names_say_what_a_thing_is():
    product = ("kernel", "contracts", "services", "gateway", "infra")
    assert offences(unwelcome_names, *product) == []
    files = [str(p) for p, _ in modules(*product) if p.stem in FORBIDDEN_NAMES]
    assert files == []


def test_no_file_grows_without_end():
    long = [
        f"{path}: {len(path.read_text().splitlines())}"
        for folder in ("kernel", "contracts", "services", "gateway", "infra")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if "/migrations/versions/" not in str(path) and len(path.read_text().splitlines()) > 400
    ]
    assert long == []


def test_the_three_services_have_one_shape():
    """A file that outgrew its page is a package of the same name; the shape stays."""
    rooms = ("__main__", "app", "worker", "settings", "tables", "handlers", "jobs", "commands", "queries", "api", "ui")
    for service in SERVICES:
        folder = ROOT / "services" / service
        for name in rooms:
            assert (folder / name).is_dir() or (folder / f"{name}.py").exists(), f"{service} lacks {name}"
        for name in ("domain", "migrations", "data", "locale"):
            assert (folder / name).is_dir(), f"{service} lacks {name}"


def test_no_machine_path_and_no_registry_host_is_committed():
    listed = subprocess.run(["git", "grep", "-nIE", _PLACES, "--", "."], cwd=ROOT, capture_output=True, text=True)
    assert listed.stdout.splitlines() == []


# In pieces, so that this file holds none of them itself.
_PLACES = "|".join(
    "".join(pieces)
    for pieces in (
        ("/wo", "rk/(main|shared)"),
        ("/ro", "ot/"),
        ("python", "hosted\\.org"),
        ("py", "pi\\.org/simple"),
        ("npm", "js\\.org"),
    )
)


@pytest.mark.parametrize(
    ("rule", "code"),
    [
        (commits, "async def f(tx):\n    await tx.commit()"),
        (asks_the_time, "from datetime import datetime\nx = datetime.now()"),
        (selects, "from sqlalchemy import select\nx = select(1)"),
        (selects, "x = text('SELECT a FROM b')"),
        (unwelcome_names, "def helpers(): ..."),
    ],
)
def test_the_rules_bite(rule, code):
    assert rule(ast.parse(code)) != []
