"""Whether a service's database is up to date, asked with one SELECT; Alembic starts only when it is not."""

import asyncio
import hashlib
import json
from pathlib import Path

import asyncpg

from kernel import migrations

STATE = "published.json"


def is_current(package: Path, url: str, folder: Path) -> bool:
    """The revision is the head, and the law data shipped with the code is what the last `migrate` published."""
    if _kept(folder).get(package.name) != shipped(package):
        return False
    return asyncio.run(_revision(url)) == migrations.head(package / "migrations")


def note_published(package: Path, folder: Path) -> None:
    kept = {**_kept(folder), package.name: shipped(package)}
    partial = folder / f"{STATE}.new"
    partial.write_text(json.dumps(kept, indent=1))
    partial.replace(folder / STATE)


def shipped(package: Path) -> str:
    """SHA-256 over the service's data files: names and contents."""
    digest = hashlib.sha256()
    for path in sorted((package / "data").rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(package)}\0".encode() + path.read_bytes())
    return digest.hexdigest()


def _kept(folder: Path) -> dict[str, str]:
    try:
        found = json.loads((folder / STATE).read_text())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


async def _revision(url: str) -> str | None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        found = await connection.fetchval("SELECT version_num FROM alembic_version")
        return str(found)
    except asyncpg.UndefinedTableError:
        return None
    finally:
        await connection.close()
