"""Checkpoints: lines by count, so that a figure at any (D, K) is one row of arrays and two narrow strips of deltas.

A province does with the plain sum, so that none is built below `STEP` deltas of a series. Recorded time only grows: a
line once passed by all watermarks never changes; where a late event changes it all the same, `recount` marks it stale.
"""

from datetime import datetime
from itertools import groupby

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

from services.sharing.commands.recount import copy_rows
from services.sharing.queries import checkpoints as queries
from services.sharing.queries import statements

STEP = 50_000
COLUMNS = ("series_id", "known_to", "valid_to", "den", "num", "stale")


async def build_next(tx: AsyncSession, *, now: datetime, step: int = STEP) -> bool:
    """Drops what is stale and builds one line of one series. False when there is nothing to do.

    A recount marks stale as the last thing it does. The lock lets those end that have done so, and makes the others
    wait until they see the new line: none slips between.
    """
    settled = await statements.settled_to(tx, now)
    if settled is None or not (await queries.has_stale(tx) or await queries.next_line(tx, settled, step)):
        return False
    await tx.execute(sa.text("LOCK TABLE ratio_checkpoint IN SHARE ROW EXCLUSIVE MODE"))
    await tx.execute(sa.text("DELETE FROM ratio_checkpoint WHERE stale"))
    due = await queries.next_line(tx, settled, step)
    if due is None:
        return False
    lines = await queries.day_lines(tx, due, step)
    size = await queries.group_count(tx, due.series_id)
    den, num = [0] * size, [0] * size
    rows = []
    gained = {bucket: list(group) for bucket, group in groupby(await queries.sums(tx, due, lines), lambda r: r.bucket)}
    for bucket, day in enumerate(lines, start=1):
        for row in gained.get(bucket, ()):
            den[row.g] += row.den
            num[row.g] += row.num
        rows.append((due.series_id, due.known_to, day, den.copy(), num.copy(), False))
    await copy_rows(tx, "ratio_checkpoint", COLUMNS, rows)
    return True
