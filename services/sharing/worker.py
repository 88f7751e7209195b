"""The worker process of sharing: it follows the registry and relays what agreements bring."""

from kernel import worker
from kernel.settings import ServiceSettings
from services.sharing.answers import ANSWERS
from services.sharing.handlers import HANDLERS
from services.sharing.jobs import JOBS


def work(settings: ServiceSettings) -> None:
    worker.run(settings, handlers=HANDLERS, jobs=JOBS, answers=ANSWERS)
