"""The pages of sharing."""

from services.sharing.ui import agreements, home, parked, ratio, reports

ROUTERS = [ratio.router, agreements.router, reports.router, home.router, parked.router]
