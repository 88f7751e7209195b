"""Law and definitions that ship with sharing, each file with its sources; read once, when first asked for."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

from services.sharing.domain.contradiction import Rules
from services.sharing.domain.definition import AgreementKinds, BoundarySets, Definition, Plan
from services.sharing.domain.forecast import Forecasting
from services.sharing.domain.indicators import Indicators
from services.sharing.domain.reporting import Reporting
from services.sharing.domain.sampling import Sampling

_HERE = Path(__file__).parent


def _read(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def definitions() -> tuple[Definition, ...]:
    return tuple(Definition.model_validate(_read(path)) for path in sorted((_HERE / "definitions").glob("*.toml")))


@cache
def plans() -> tuple[Plan, ...]:
    return tuple(Plan.model_validate(_read(path)) for path in sorted((_HERE / "plans").glob("*.toml")))


@cache
def agreement_kinds() -> AgreementKinds:
    return AgreementKinds.model_validate(_read(_HERE / "agreement_kinds.toml"))


@cache
def boundary_sets() -> BoundarySets:
    return BoundarySets.model_validate(_read(_HERE / "boundary_sets.toml"))


@cache
def reporting() -> Reporting:
    return Reporting.model_validate(_read(_HERE / "reporting.toml"))


@cache
def forecasting() -> Forecasting:
    return Forecasting.model_validate(_read(_HERE / "forecast.toml"))


@cache
def indicators() -> Indicators:
    return Indicators.model_validate(_read(_HERE / "indicators.toml"))


@cache
def contradictions() -> Rules:
    return Rules.model_validate(_read(_HERE / "contradictions.toml"))


@cache
def sampling() -> Sampling:
    return Sampling.model_validate(_read(_HERE / "sampling.toml"))
