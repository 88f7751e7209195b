"""What the worker visits. The registry has no deadlines of its own yet."""

from collections.abc import Sequence

from kernel.worker import Job

JOBS: Sequence[Job] = ()
