"""What Prometheus is told of the registry."""

from collections.abc import Mapping
from datetime import datetime

from kernel.clock import local_date
from kernel.edge import Read
from services.registry.queries import figures as queries


async def figures(read: Read, now: datetime) -> Mapping[tuple[str, str], float]:
    """Structures by kind and status today."""
    counted = await queries.structures(read, local_date(now))
    return {(f"structures_{kind}", status): number for (kind, status), number in counted.items()}
