"""Places in the permanent outbox, 1 to n without a gap, so that a reader can go on from the last one he saw.

`seq` is given before the commit: a lower one can appear after a higher one was read. A place is given afterwards.
"""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession

LOCK = 0x91ACE
AT_ONCE = 2000
_PLACE = sa.text(
    "WITH waiting AS (SELECT seq FROM outbox WHERE position IS NULL ORDER BY seq LIMIT :limit FOR NO KEY UPDATE),"
    " numbered AS (SELECT seq, row_number() OVER (ORDER BY seq) AS no FROM waiting),"
    " head AS (SELECT coalesce(max(position), 0) AS last FROM outbox)"
    " UPDATE outbox o SET position = head.last + numbered.no FROM numbered, head WHERE o.seq = numbered.seq"
)


async def place(tx: AsyncSession, limit: int = AT_ONCE) -> int:
    """Gives the events that are committed and have no place yet the next ones, in order of `seq`; how many it placed.

    The lock is taken by a statement of its own: the next one then sees all that its last holder committed.
    """
    if not (await tx.execute(sa.select(sa.func.pg_try_advisory_xact_lock(LOCK)))).scalar_one():
        return 0
    result = await tx.execute(_PLACE, {"limit": limit})
    return int(result.rowcount)  # type: ignore[attr-defined]
