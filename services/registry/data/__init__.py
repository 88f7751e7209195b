"""Facts that ship with the registry, each file with its sources in its head; read once, when first asked for."""

import hashlib
import tomllib
from functools import cache
from pathlib import Path

from services.registry.domain.files.headings import Headings
from services.registry.domain.shipped import BandBook, CodeBook, Limits, Organisations, QualityBook, Units

_HERE = Path(__file__).parent


def _read(name: str) -> str:
    return (_HERE / f"{name}.toml").read_text(encoding="utf-8")


def digest(name: str) -> str:
    """SHA-256 of the file as shipped: the same version never says anything else."""
    return hashlib.sha256(_read(name).encode()).hexdigest()


@cache
def codes() -> CodeBook:
    return CodeBook.model_validate(tomllib.loads(_read("codes")))


@cache
def bands() -> BandBook:
    return BandBook.model_validate(tomllib.loads(_read("bands")))


@cache
def limits() -> Limits:
    return Limits.model_validate(tomllib.loads(_read("limits")))


@cache
def organisations() -> Organisations:
    return Organisations.model_validate(tomllib.loads(_read("organisations")))


@cache
def units() -> Units:
    return Units.model_validate(tomllib.loads(_read("units")))


@cache
def headings() -> Headings:
    return Headings.model_validate(tomllib.loads(_read("headings")))


@cache
def quality() -> QualityBook:
    return QualityBook.model_validate(tomllib.loads(_read("quality")))
