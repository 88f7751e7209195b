"""The doors of sharing: parse, call, answer."""

from services.sharing.api import agreements, comparisons, forecast, law, parked, ratios, reports, statements

ROUTERS = [
    agreements.router,
    ratios.router,
    comparisons.router,
    forecast.router,
    law.router,
    statements.router,
    reports.router,
    parked.router,
]
