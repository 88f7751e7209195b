"""So many acts a second, each begun at its time whether or not the one before has ended."""

import asyncio
from collections.abc import Awaitable, Callable


async def paced(act: Callable[[int], Awaitable[object]], a_second: float, seconds: float) -> int:
    """How many were begun; all have ended when this returns. Late acts are not left out, they follow at once."""
    loop = asyncio.get_running_loop()
    count = int(a_second * seconds)
    began = loop.time()
    tasks = []
    for number in range(count):
        await asyncio.sleep(max(began + number / a_second - loop.time(), 0))
        tasks.append(asyncio.ensure_future(act(number)))
    await asyncio.gather(*tasks)
    return count
