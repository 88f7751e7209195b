"""The composition of the web process."""

from pathlib import Path

from fastapi import FastAPI

from contracts.pages import NAV
from kernel.app import create_app
from services.permits.api import ROUTERS as API
from services.permits.settings import PermitsSettings
from services.permits.ui import ROUTERS as UI


def create(settings: PermitsSettings) -> FastAPI:
    return create_app(settings, title="Permits", api=API, ui=UI, package=Path(__file__).parent, nav=NAV)
