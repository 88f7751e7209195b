from contracts.catalog import readers_of
from kernel import worker
from services.registry.answers import ANSWERS
from services.registry.gauges import figures
from services.registry.handlers import HANDLERS
from services.registry.jobs import jobs
from services.registry.settings import RegistrySettings


def work(settings: RegistrySettings) -> None:
    worker.run(
        settings,
        handlers=HANDLERS,
        jobs=jobs(settings),
        answers=ANSWERS,
        readers=readers_of("registry"),
        gauges=figures,
    )
