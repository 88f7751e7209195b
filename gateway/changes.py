"""The history of the API for those who program against it, read from `data/changes.toml`."""

import tomllib
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kernel.web.i18n import LOCALES

FILE = Path(__file__).with_name("data") / "changes.toml"
KINDS = frozenset({"added", "changed", "deprecated", "removed"})


@dataclass(frozen=True, slots=True)
class Change:
    """`operations` are operation ids of the merged document; `text` is in every language we speak."""

    id: str
    date: date
    kind: str
    operations: tuple[str, ...]
    text: dict[str, str]


def changes(path: Path = FILE) -> list[Change]:
    """Newest first. ValueError names an entry that lacks a language or has an unknown kind."""
    found = [
        Change(each["id"], each["date"], each["kind"], tuple(each["operations"]), each["text"])
        for each in tomllib.loads(path.read_text())["change"]
    ]
    for change in found:
        if change.kind not in KINDS or set(change.text) != set(LOCALES):
            raise ValueError(f"{path.name}: {change.id} has an unknown kind or lacks a language")
    if len({change.id for change in found}) != len(found):
        raise ValueError(f"{path.name}: an id is given twice")
    return sorted(found, key=lambda change: change.date, reverse=True)
