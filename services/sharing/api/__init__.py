"""The doors of sharing: parse, call, answer."""

from services.sharing.api import agreements, law, parked, ratios, reports

ROUTERS = [agreements.router, ratios.router, law.router, reports.router, parked.router]
