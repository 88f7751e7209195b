"""The AsyncAPI 3 document of all subjects: `python -m contracts.asyncapi > docs/asyncapi.json`."""

import json
from typing import Any

from pydantic import BaseModel

from contracts.catalog import EVENTS, QUESTIONS
from contracts.envelope import Envelope, Event, Question, stream_of

REF = "#/components/schemas/{model}"


def document() -> dict[str, Any]:
    schemas: dict[str, Any] = {}
    _add(schemas, Envelope)
    channels: dict[str, Any] = {}
    operations: dict[str, Any] = {}
    messages: dict[str, Any] = {}
    for event in EVENTS:
        _add(schemas, event)
        _event(event, channels, operations, messages)
    for question in QUESTIONS:
        _add(schemas, question)
        _add(schemas, question.reply)
        _question(question, channels, operations, messages)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "hatang",
            "version": "1",
            "description": "Facts on JetStream (at least once, in order per publisher; the envelope's id is the key "
            "against doubles) and questions over request/reply.",
        },
        "defaultContentType": "application/json",
        "channels": channels,
        "operations": operations,
        "components": {"messages": messages, "schemas": dict(sorted(schemas.items()))},
    }


def _event(event: type[Event], channels: dict[str, Any], operations: dict[str, Any], messages: dict[str, Any]) -> None:
    name = event.__name__
    data = {"allOf": [_ref(Envelope), {"properties": {"type": {"const": event.type}, "data": _ref(event)}}]}
    messages[name] = {"name": event.type, "summary": _first_line(event), "payload": data}
    _channel(channels, event.type, name)
    operations[f"{stream_of(event)}.{name}"] = {"action": "send", "channel": {"$ref": f"#/channels/{event.type}"}}


def _question(
    question: type[Question], channels: dict[str, Any], operations: dict[str, Any], messages: dict[str, Any]
) -> None:
    name, reply = question.__name__, question.reply.__name__
    messages[name] = {"name": question.subject, "summary": _first_line(question), "payload": _ref(question)}
    messages[reply] = {"name": reply, "payload": {"type": "object", "properties": {"ok": _ref(question.reply)}}}
    _channel(channels, question.subject, name)
    channels[f"{question.subject}.reply"] = {"address": None, "messages": {reply: _message(reply)}}
    operations[name] = {
        "action": "receive",
        "channel": {"$ref": f"#/channels/{question.subject}"},
        "reply": {"channel": {"$ref": f"#/channels/{question.subject}.reply"}},
    }


def _channel(channels: dict[str, Any], address: str, message: str) -> None:
    channels[address] = {"address": address, "messages": {message: _message(message)}}


def _message(name: str) -> dict[str, str]:
    return {"$ref": f"#/components/messages/{name}"}


def _ref(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REF.format(model=model.__name__)}


def _add(schemas: dict[str, Any], model: type[BaseModel]) -> None:
    schema = model.model_json_schema(ref_template=REF, mode="serialization")
    schemas.update(schema.pop("$defs", {}))
    schemas[model.__name__] = schema


def _first_line(model: type[BaseModel]) -> str:
    return (model.__doc__ or model.__name__).strip().splitlines()[0]


if __name__ == "__main__":
    print(json.dumps(document(), ensure_ascii=False, indent=1))
