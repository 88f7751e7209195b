"""Ending of what runs in the background."""

import asyncio
from collections.abc import Iterable

AGAIN = 0.5


async def end(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancels until each has ended. Once is not enough before Python 3.12: a cancellation that comes in the same turn
    as the result that `asyncio.wait_for` waits for is lost there, and the task would run for ever.
    """
    left = set(tasks)
    while left:
        for task in left:
            task.cancel()
        done, left = await asyncio.wait(left, timeout=AGAIN)
        await asyncio.gather(*done, return_exceptions=True)
