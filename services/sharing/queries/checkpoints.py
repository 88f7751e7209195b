"""Where checkpoints lie, and what they hold: cumulative figures of all groups at corners of a grid of lines."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncSession


class Due(NamedTuple):
    """A series whose deltas have grown by a step since its last line, and the instant at which the next one lies."""

    series_id: int
    known_to: datetime


_LAST = "(SELECT max(known_to) FROM ratio_checkpoint WHERE series_id = s.id AND NOT stale)"
_NEXT = sa.text(f"""
SELECT s.id, n.r FROM ratio_series s CROSS JOIN LATERAL (
  SELECT r FROM ratio_delta WHERE series_id = s.id AND r > coalesce({_LAST}, '-infinity') AND r <= :settled
  ORDER BY r OFFSET :step - 1 LIMIT 1) n ORDER BY s.id LIMIT 1""")  # noqa: S608


async def next_line(read: AsyncSession, settled: datetime, step: int) -> Due | None:
    """One K-line that is to be built; None when there is none."""
    row = (await read.execute(_NEXT, {"settled": settled, "step": step})).first()
    return None if row is None else Due(row.id, row.r)


async def has_stale(read: AsyncSession) -> bool:
    return bool((await read.execute(sa.text("SELECT EXISTS (SELECT FROM ratio_checkpoint WHERE stale)"))).scalar_one())


_DAYS = sa.text("""
WITH n AS (SELECT v, count(*) AS n, sum(count(*)) OVER (ORDER BY v) AS upto FROM ratio_delta
  WHERE series_id = :series AND r <= :k GROUP BY v)
SELECT v FROM n WHERE (upto - 1) / :step > (upto - n - 1) / :step OR n >= :step ORDER BY v""")


async def day_lines(read: AsyncSession, due: Due, step: int) -> list[date]:
    """D-lines of the same density: a line after every `step` deltas by their day; a heavy day has its own."""
    return list((await read.execute(_DAYS, {"series": due.series_id, "k": due.known_to, "step": step})).scalars())


# `bucket`: which line is the first that lies on the day or after it, from 1.
_SUMS = sa.text("""
SELECT width_bucket(v - 1, CAST(:lines AS date[])) + 1 AS bucket, g, sum(den)::int AS den, sum(num)::int AS num
FROM ratio_delta WHERE series_id = :series AND r <= :k AND v <= :last GROUP BY 1, 2 ORDER BY 1""")


async def sums(read: AsyncSession, due: Due, lines: Sequence[date]) -> Sequence[Any]:
    """Rows (bucket, g, den, num): what each group gains between a line and the one before."""
    values = {"series": due.series_id, "k": due.known_to, "lines": list(lines), "last": lines[-1]}
    return (await read.execute(_SUMS, values)).all()


async def group_count(read: AsyncSession, series_id: int) -> int:
    rows = await read.execute(
        sa.text("SELECT coalesce(max(g) + 1, 0) FROM ratio_group WHERE series_id = :id"), {"id": series_id}
    )
    return int(rows.scalar_one())


_WRONG = sa.text("""
WITH c AS MATERIALIZED (SELECT * FROM ratio_checkpoint WHERE NOT stale ORDER BY random() LIMIT :size)
SELECT c.series_id, c.known_to, c.valid_to FROM c WHERE EXISTS (
  SELECT FROM (SELECT (o - 1)::int AS g, d, n FROM unnest(c.den, c.num) WITH ORDINALITY u(d, n, o)) a
  FULL JOIN (SELECT g, sum(den) AS d, sum(num) AS n FROM ratio_delta
    WHERE series_id = c.series_id AND r <= c.known_to AND v <= c.valid_to GROUP BY g) b USING (g)
  WHERE (coalesce(a.d, 0), coalesce(a.n, 0)) <> (coalesce(b.d, 0), coalesce(b.n, 0)))""")


async def wrong_ones(read: AsyncSession, size: int) -> Sequence[Any]:
    """Of so many checkpoints taken by lot those that are not the plain sum: rows (series_id, known_to, valid_to)."""
    return (await read.execute(_WRONG, {"size": size})).all()
