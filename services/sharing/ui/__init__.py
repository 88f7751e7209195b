"""The pages of sharing."""

from services.sharing.ui import (
    agreements,
    audit_plans,
    comparison,
    contradictions,
    forecast,
    home,
    indicators,
    law,
    open_data,
    parked,
    ratio,
    report_rounds,
    reports,
    statements,
)

ROUTERS = [
    ratio.router,
    comparison.router,
    forecast.router,
    indicators.router,
    law.router,
    open_data.router,
    agreements.router,
    contradictions.router,
    audit_plans.router,
    statements.router,
    report_rounds.router,
    reports.router,
    home.router,
    parked.router,
]
