"""The doors of sharing: parse, call, answer."""

from services.sharing.api import agreements, law, parked, ratios

ROUTERS = [agreements.router, ratios.router, law.router, parked.router]
