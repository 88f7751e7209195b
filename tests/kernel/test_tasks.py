"""What runs in the background ends when it is told to."""

import asyncio

import pytest

from kernel import tasks

pytestmark = pytest.mark.unit


async def test_a_cancellation_that_is_lost_is_repeated(monkeypatch):
    monkeypatch.setattr(tasks, "AGAIN", 0.01)
    ends = []

    async def deaf() -> None:
        while len(ends) < 2:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                ends.append("lost")
        await asyncio.Event().wait()

    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    await asyncio.wait_for(tasks.end([task]), 5)
    assert task.cancelled()
    assert ends == ["lost", "lost"]


async def test_one_that_failed_or_ended_before_is_no_fault():
    async def fails() -> None:
        raise ValueError

    task = asyncio.create_task(fails())
    await asyncio.sleep(0)
    await tasks.end([task])
    await tasks.end([])
