from kernel import worker
from services.registry.answers import ANSWERS
from services.registry.handlers import HANDLERS
from services.registry.jobs import JOBS
from services.registry.settings import RegistrySettings


def work(settings: RegistrySettings) -> None:
    worker.run(settings, handlers=HANDLERS, jobs=JOBS, answers=ANSWERS)
