"""The pages of sharing."""

from services.sharing.ui import agreements, home, parked, ratio

ROUTERS = [ratio.router, agreements.router, home.router, parked.router]
