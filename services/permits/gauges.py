"""What Prometheus is told of permits."""

from collections.abc import Mapping
from datetime import datetime

from kernel.clock import local_date
from services.permits.queries import Session
from services.permits.queries import figures as queries


async def figures(read: Session, now: datetime) -> Mapping[tuple[str, str], float]:
    """Dossiers by state; clocks overdue, running and paused by the function that answers for them; staged files."""
    told: dict[tuple[str, str], float] = {
        ("dossiers", state): number for state, number in (await queries.dossiers(read)).items()
    }
    for function, (overdue, running, paused) in (await queries.deadlines(read, local_date(now))).items():
        told |= {
            ("clocks_overdue", function): overdue,
            ("clocks_running", function): running,
            ("clocks_paused", function): paused,
        }
    told["files_staged", ""] = await queries.staged_files(read)
    return told
