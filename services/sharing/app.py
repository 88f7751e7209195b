"""The composition of the web process."""

from pathlib import Path

from fastapi import FastAPI

from contracts.pages import NAV
from kernel.app import create_app
from services.sharing.api import ROUTERS as API
from services.sharing.settings import SharingSettings
from services.sharing.ui import ROUTERS as UI


def create(settings: SharingSettings) -> FastAPI:
    return create_app(settings, title="Sharing", api=API, ui=UI, package=Path(__file__).parent, nav=NAV)
