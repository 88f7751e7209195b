"""Shipped facts are loaded once, told once, and never silently altered."""

import pytest
import sqlalchemy as sa

from services.registry import data
from services.registry.commands.publishing import PublishedDiffers, publish
from tests.registry.conftest import NOW


async def test_publishing_again_does_nothing(database):
    async with database.tx() as tx:
        assert await publish(tx, now=NOW) == []


async def test_the_events_hold_all_that_was_shipped(database):
    async with database.read() as read:
        rows = await read.execute(
            sa.text(
                "SELECT subject, jsonb_array_elements(envelope->'data'->'items') AS item FROM outbox"
                " WHERE subject IN ('registry.organisation.changed.v1', 'registry.unit.changed.v1') ORDER BY seq"
            )
        )
        items = [tuple(row) for row in rows]
    units = {item["id"]: item for subject, item in items if "unit" in subject}
    organisations = {item["code"]: item for subject, item in items if "organisation" in subject}
    assert len(units) == len(data.units().units)
    assert units["32017@2023"]["successors"] == [
        {"unit": "32041@2025-07", "relation": "part"},
        {"unit": "32025@2025-07", "relation": "part"},
    ]
    assert units["32248@2023"]["boundary_sets"] == ["CM-2023", "CM-2024-12"]
    transport = organisations["SGTVT"]
    assert transport["no"] == 2
    assert [(v["valid_to"], v["successor"]) for v in transport["versions"]] == [("2025-03-01", "SXD")]
    assert {(m["function"], m["valid_from"]) for m in organisations["SXD"]["mandates"]} == {
        ("construction", "2000-01-01"),
        ("transport", "2025-03-01"),
    }


async def test_the_same_version_with_other_content_is_refused(database, monkeypatch):
    real = data.digest
    monkeypatch.setattr(data, "digest", lambda name: "0" * 64 if name == "units" else real(name))
    with pytest.raises(PublishedDiffers):
        async with database.tx() as tx:
            await publish(tx, now=NOW)
