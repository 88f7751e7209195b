"""The doors of sharing: parse, call, answer."""

from services.sharing.api import agreements, comparisons, law, parked, ratios, reports

ROUTERS = [agreements.router, ratios.router, comparisons.router, law.router, reports.router, parked.router]
