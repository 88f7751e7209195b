"""The smallest FastAPI service that gives the same bytes: `python -m bench.instruments.minimal PORT FILE`.

`/statement/{name}` runs one prepared statement over asyncpg and passes PostgreSQL's JSON on, `/bytes/{name}` answers
with bytes that are there already: what a framework costs without authentication, transaction or clock. FILE holds a
pickled Menu written by the bench itself.
"""

import itertools
import pickle
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
from fastapi import FastAPI, Request, Response


@dataclass(frozen=True)
class Dish:
    """A statement with many sets of arguments, and the column of its row that holds the JSON."""

    sql: str
    arguments: list[tuple[Any, ...]]
    column: str


@dataclass(frozen=True)
class Menu:
    database: str
    pool: int
    dishes: dict[str, Dish]


def create(menu: Menu) -> FastAPI:
    turns = {name: itertools.cycle(dish.arguments) for name, dish in menu.dishes.items()}
    ready: dict[str, bytes] = {}

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with asyncpg.create_pool(menu.database, min_size=menu.pool, max_size=menu.pool, reset=_no_reset) as pool:
            app.state.pool = pool
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/statement/{name}")
    async def statement(request: Request, name: str, limit: int = 50) -> Response:
        dish = menu.dishes[name]
        row = await request.app.state.pool.fetchrow(dish.sql, *next(turns[name]))
        ready[name] = row[dish.column].encode()
        return Response(ready[name], media_type="application/json")

    @app.get("/bytes/{name}")
    async def known(name: str, limit: int = 50) -> Response:
        return Response(ready[name], media_type="application/json")

    return app


async def _no_reset(connection: object) -> None:
    """As the product's own pool: no round trip when a connection comes back."""


if __name__ == "__main__":
    given: Menu = pickle.loads(Path(sys.argv[2]).read_bytes())
    uvicorn.run(create(given), host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
