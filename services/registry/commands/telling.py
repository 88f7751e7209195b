"""What the registry tells the others: the belief after each change, up to a hundred things an event."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from contracts import registry as said
from contracts.envelope import Event
from kernel import outbox
from kernel.auth import Actor
from kernel.history import Change, Version
from services.registry.commands.ledger import Page

ITEMS = 100


def change_said(change: Change) -> said.Change:
    return said.Change(
        id=change.id,
        act=change.act,
        corrects=change.corrects,
        valid_from=change.valid_from,
        valid_to=change.valid_to,
        patch=dict(change.patch),
        evidence=change.evidence,
        recorded_at=change.recorded_at,
    )


def structure_versions(page: Page, versions: Sequence[Version]) -> list[said.StructureVersion]:
    return [_structure_version(version, page.evidence()) for version in versions]


def _structure_version(version: Version, evidence: dict[int, int]) -> said.StructureVersion:
    values = version.values
    lon, lat = values.get("point") or (None, None)
    return said.StructureVersion(
        valid_from=version.valid_from,
        valid_to=version.valid_to,
        owner=values["owner"],
        status=values["status"],
        code=values.get("code"),
        height_m=values.get("height_m"),
        lon=lon,
        lat=lat,
        commune=values.get("commune"),
        capacity=values.get("capacity"),
        evidence=evidence[version.sources["status"]],
    )


def station_versions(page: Page, versions: Sequence[Version]) -> list[said.StationVersion]:
    evidence = page.evidence()
    return [
        said.StationVersion(
            valid_from=version.valid_from,
            valid_to=version.valid_to,
            operator=version.values["operator"],
            status=version.values["status"],
            technologies=version.values.get("technologies") or [],
            evidence=evidence[version.sources["status"]],
        )
        for version in versions
    ]


async def tell(
    tx: AsyncSession,
    event: Callable[..., Event],
    spoken: Iterable[tuple[Actor, Any]],
    *,
    subject: UUID,
    now: datetime,
) -> None:
    """`spoken` are items with who caused them; one event names one actor, so neighbours of one actor travel together.

    The subject is the thing's id when it is one thing, else `subject`, the id of the import or batch.
    """
    for _, run in groupby(spoken, key=lambda pair: pair[0].id):
        pairs = list(run)
        chunks = [pairs[at : at + ITEMS] for at in range(0, len(pairs), ITEMS)]
        events = [(event(items=[item for _, item in chunk]), _subject(chunk, subject)) for chunk in chunks]
        await outbox.record_many(tx, pairs[0][0], events, now=now)


def _subject(chunk: Sequence[tuple[Actor, Any]], batch: UUID) -> object:
    names = {getattr(item, "id", None) or item.code for _, item in chunk}
    return names.pop() if len(names) == 1 else batch
