"""What the worker visits: nothing here waits for a day; agreements end by their own dates."""

from kernel.worker import Job

JOBS: tuple[Job, ...] = ()
