"""The composition of the worker process."""

from kernel.worker import run
from services.permits.handlers import HANDLERS
from services.permits.jobs import jobs
from services.permits.settings import PermitsSettings


def work(settings: PermitsSettings) -> None:
    run(settings, handlers=HANDLERS, jobs=jobs(settings))
