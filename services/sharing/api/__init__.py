"""The doors of sharing: parse, call, answer."""

from services.sharing.api import (
    agreements,
    audit_plans,
    comparisons,
    contradictions,
    forecast,
    indicators,
    law,
    open_data,
    parked,
    ratios,
    reports,
    statements,
)

ROUTERS = [
    agreements.router,
    ratios.router,
    comparisons.router,
    forecast.router,
    indicators.router,
    open_data.router,
    law.router,
    statements.router,
    contradictions.router,
    audit_plans.router,
    reports.router,
    parked.router,
]
