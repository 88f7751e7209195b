"""The composition of the worker process."""

from contracts.catalog import readers_of
from kernel.worker import run
from services.permits.gauges import figures
from services.permits.handlers import HANDLERS
from services.permits.jobs import jobs
from services.permits.settings import PermitsSettings


def work(settings: PermitsSettings) -> None:
    run(settings, handlers=HANDLERS, jobs=jobs(settings), readers=readers_of("permits"), gauges=figures)
