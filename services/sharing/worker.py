"""The worker process of sharing: it follows the registry and relays what agreements bring."""

from contracts.catalog import readers_of
from kernel import worker
from kernel.settings import ServiceSettings
from services.sharing.answers import ANSWERS
from services.sharing.gauges import figures
from services.sharing.handlers import HANDLERS
from services.sharing.jobs import jobs


def work(settings: ServiceSettings) -> None:
    worker.run(
        settings, handlers=HANDLERS, jobs=jobs(settings), answers=ANSWERS, readers=readers_of("sharing"), gauges=figures
    )
