from pathlib import Path

from fastapi import FastAPI

from contracts.pages import NAV
from kernel.app import create_app
from services.registry import api, ui
from services.registry.settings import RegistrySettings


def create(settings: RegistrySettings) -> FastAPI:
    return create_app(
        settings, title="Registry", api=api.ROUTERS, ui=ui.ROUTERS, package=Path(__file__).parent, nav=NAV
    )
