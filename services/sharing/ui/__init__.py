"""The pages of sharing."""

from services.sharing.ui import agreements, home, ratio

ROUTERS = [ratio.router, agreements.router, home.router]
