"""Adding to a contract is allowed; changing what was promised fails here, before it fails at a consumer."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from contracts import asyncapi
from contracts.catalog import EVENTS, QUESTIONS

pytestmark = pytest.mark.unit
SNAPSHOTS = Path(__file__).parent / "snapshots"
ASYNCAPI = Path(__file__).parents[2] / "docs" / "asyncapi.json"
MODELS = [*EVENTS, *QUESTIONS, *(question.reply for question in QUESTIONS)]


def breaks(old: Any, new: Any, path: str = "") -> list[str]:
    """Where `new` no longer keeps what `old` promised. New properties and definitions are no break."""
    if isinstance(old, dict) and isinstance(new, dict):
        found = [f"{path}/{key} is gone" for key in old.keys() - new.keys() if key not in ("description", "title")]
        kept = [key for key in old.keys() & new.keys() if key not in ("description", "title", "required")]
        found += [fault for key in kept for fault in breaks(old[key], new[key], f"{path}/{key}")]
        return found + [f"{path}: {name} is no longer sent" for name in _lost(old, new)]
    return [] if old == new else [f"{path}: {old} became {new}"]


def _lost(old: dict[str, Any], new: dict[str, Any]) -> set[str]:
    return set(old.get("required", [])) - set(new.get("required", []))


@pytest.mark.parametrize("model", MODELS, ids=lambda m: m.__name__)
def test_a_contract_keeps_what_it_promised(model):
    schema = model.model_json_schema(mode="serialization")
    snapshot = SNAPSHOTS / f"{model.__name__}.json"
    if not snapshot.exists():
        snapshot.write_text(json.dumps(schema, indent=1, sort_keys=True) + "\n")
        pytest.fail(f"{snapshot.name} was written just now: commit it")
    assert breaks(json.loads(snapshot.read_text()), schema) == []


def test_a_changed_a_lost_and_a_loosened_field_are_breaks():
    old = {"properties": {"a": {"type": "string"}, "b": {"type": "integer"}}, "required": ["a"]}
    assert breaks(old, {**old, "properties": {**old["properties"], "c": {"type": "string"}}}) == []
    assert breaks(old, {"properties": {"a": {"type": "integer"}, "b": {"type": "integer"}}, "required": ["a"]})
    assert breaks(old, {"properties": {"a": {"type": "string"}}, "required": ["a"]})
    assert breaks(old, {**old, "required": []})


@pytest.mark.parametrize("event", EVENTS, ids=lambda e: e.__name__)
def test_an_event_is_named_in_the_past_under_its_publisher(event):
    assert re.fullmatch(r"(registry|permits|sharing)\.[a-z]+\.([a-z_]+ed|given|withdrawn)\.v\d+", event.type)
    assert event.__module__ == f"contracts.{event.type.split('.')[0]}"


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda q: q.__name__)
def test_a_question_never_stands_on_a_streams_subjects(question):
    assert question.subject.startswith("ask.")


def test_the_committed_asyncapi_document_is_the_generated_one():
    assert json.loads(ASYNCAPI.read_text()) == asyncapi.document(), "run: make openapi"
