"""The users' nkeys: seeds in files that only their owner reads, public keys for the server."""

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

import nkeys  # type: ignore[import-untyped]

from infra.nats.permissions import CLIENTS

USERS = (*CLIENTS, "admin", "sys")


def seed_file(folder: Path, user: str) -> Path:
    return folder / f"{user}.nk"


def prepare(folder: Path) -> dict[str, str]:
    """Makes the seeds that are absent, each in a 0600 file, and gives the public key of every user."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for user in USERS:
        path = seed_file(folder, user)
        if not path.exists():
            write_private(path, new_seed())
    return {user: public(seed_file(folder, user)) for user in USERS}


def public(path: Path) -> str:
    pair = nkeys.from_seed(bytearray(path.read_bytes().strip()))
    try:
        return str(pair.public_key.decode())
    finally:
        pair.wipe()


def new_seed() -> bytes:
    return bytes(nkeys.encode_seed(secrets.token_bytes(32), nkeys.PREFIX_BYTE_USER))


def write_private(path: Path, seed: bytes) -> None:
    partial = path.with_name(f"{path.name}.new")
    partial.unlink(missing_ok=True)
    descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(seed)
    partial.replace(path)


def as_environment(keys: Mapping[str, str]) -> dict[str, str]:
    """For the server: public keys, no secret."""
    return {variable(user): key for user, key in keys.items()}


def variable(user: str) -> str:
    return f"NATS_{user.upper()}_NKEY"
