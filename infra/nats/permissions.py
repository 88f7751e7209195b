"""What each user of the broker may publish and listen to, derived from the contracts: least subjects, closed at first.

A service may publish its own events and read, through the durable that the publisher granted, what the catalogue says
it reads; ask what it asks; answer under its own name. Services never touch each other's durables, inboxes or buckets.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from contracts.catalog import ASKERS, EVENTS, QUESTIONS, READERS, readers_of
from contracts.envelope import stream_of

SERVICES = ("registry", "permits", "sharing")
CLIENTS = (*SERVICES, "gateway")
WATERMARK = "KV_watermark"
# `ask.<who answers>.<question>`.
ANSWERING = frozenset(question.subject.split(".")[1] for question in QUESTIONS)


@dataclass(frozen=True)
class Permissions:
    publish: Sequence[str]
    subscribe: Sequence[str]
    answers: bool


def permissions(user: str) -> Permissions:
    """Of one of CLIENTS."""
    published = [*_gateway()] if user == "gateway" else [*_publisher(user)]
    heard = [f"_INBOX_{user}.>"]
    if user in ANSWERING:
        heard.append(f"ask.{user}.>")
    if user == "gateway":
        heard.append("gateway.>")
    return Permissions([*published, *ASKERS.get(user, ())], heard, user in ANSWERING)


def _publisher(name: str) -> Iterator[str]:
    stream = name.upper()
    yield from (event.type for event in EVENTS if stream_of(event) == name)
    yield from (f"$JS.API.STREAM.{verb}.{stream}" for verb in ("CREATE", "UPDATE", "INFO"))
    for reader in readers_of(name):
        yield f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{reader}"
    for publisher in sorted({stream_of(event) for event in READERS[name]}):
        yield from _reading(name, publisher)
    yield from _watermark(name)
    if name == "permits":
        yield from _parts()


def _reading(name: str, publisher: str) -> Iterator[str]:
    stream, events = publisher.upper(), readers_of(publisher)[name]
    yield f"$JS.API.STREAM.INFO.{stream}"
    yield from _taking(stream, name)
    if set(events) == {event.type for event in EVENTS if stream_of(event) == publisher}:
        yield f"$JS.API.STREAM.MSG.GET.{stream}"
        return
    # A rebuild reads each kind of event through a consumer whose filter the broker sees in the request's subject.
    again = f"{name}-rebuild"
    yield from (f"$JS.API.CONSUMER.CREATE.{stream}.{again}.{event}" for event in sorted(events))
    yield f"$JS.API.CONSUMER.DELETE.{stream}.{again}"
    yield from _taking(stream, again)


def _taking(stream: str, consumer: str) -> Iterator[str]:
    yield f"$JS.API.CONSUMER.INFO.{stream}.{consumer}"
    yield f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}"
    yield f"$JS.ACK.{stream}.{consumer}.>"


def _watermark(name: str) -> Iterator[str]:
    """A mark is written by its owner; all may read it, since it says nothing but how far a stream is complete."""
    yield f"$KV.watermark.{name}"
    yield from (f"$JS.API.STREAM.{verb}.{WATERMARK}" for verb in ("CREATE", "INFO", "MSG.GET"))


def _parts() -> Iterator[str]:
    """The object bucket of permits, and nobody else's."""
    bucket = "OBJ_PARTS"
    yield "$O.PARTS.>"
    yield "$JS.API.STREAM.NAMES"
    yield from (f"$JS.API.STREAM.{verb}.{bucket}" for verb in ("CREATE", "INFO", "PURGE", "MSG.GET"))
    yield from _own_consumers(bucket)


def _gateway() -> Iterator[str]:
    """Sessions in its bucket, and what gateways tell each other."""
    bucket = "KV_sessions"
    yield "gateway.>"
    yield "$KV.sessions.>"
    yield from (f"$JS.API.STREAM.{verb}.{bucket}" for verb in ("CREATE", "UPDATE", "INFO", "MSG.GET"))
    yield from _own_consumers(bucket)


def _own_consumers(bucket: str) -> Iterator[str]:
    yield f"$JS.API.DIRECT.GET.{bucket}"
    yield f"$JS.API.DIRECT.GET.{bucket}.>"
    yield f"$JS.API.CONSUMER.CREATE.{bucket}"
    yield f"$JS.API.CONSUMER.CREATE.{bucket}.>"
    yield f"$JS.API.CONSUMER.INFO.{bucket}.*"
    yield f"$JS.API.CONSUMER.DELETE.{bucket}.*"
    yield f"$JS.FC.{bucket}.>"


HEAD = """\
# Generated: python -m infra.nats > infra/nats/nats.conf. Who may what comes from contracts/catalog.py.
# Users are known by their nkey: the server holds public keys only, given by its environment.
server_name: hatang
max_payload: 8MB

# JetStream acknowledges before it syncs; the default interval of two minutes would lose acknowledged events.
jetstream {
  sync_interval: always
}

system_account: SYS
"""


def configuration(keys: Mapping[str, str], tls: str = "") -> str:
    """The server's file. `keys`: the public nkey of each user, or where the server finds it, such as `$NATS_X_NKEY`."""
    users = "".join(_user(user, keys[user]) for user in CLIENTS)
    return (
        f"{HEAD}{tls}\naccounts {{\n  SYS {{ users: [ {{ nkey: {keys['sys']} }} ] }}\n  HATANG {{\n"
        f"    jetstream: enabled\n    users: [\n      {{ nkey: {keys['admin']} }}\n{users}    ]\n  }}\n}}\n"
    )


def _user(user: str, key: str) -> str:
    granted = permissions(user)
    answers = "\n          allow_responses: true" if granted.answers else ""
    return (
        f"      # {user}\n      {{\n        nkey: {key}\n        permissions {{\n"
        f"          publish: {_listed(granted.publish)}\n          subscribe: {_listed(granted.subscribe)}{answers}\n"
        "        }\n      }\n"
    )


def _listed(subjects: Sequence[str]) -> str:
    inner = "".join(f'            "{subject}"\n' for subject in subjects)
    return f"[\n{inner}          ]"
