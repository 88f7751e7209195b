"""What Prometheus is told of sharing."""

from collections.abc import Mapping
from datetime import datetime

import orjson

from kernel.auth import Actor
from kernel.clock import local_date
from kernel.edge import Read
from services.sharing.domain.refusals import BoundarySetUnknown, DefinitionUnknown
from services.sharing.queries import contradictions, ratios

# The figure of the whole province is public; it is counted with an auditor's eyes.
_EYES = Actor(id="system:sharing", org="SYSTEM", kind="system", capabilities=frozenset({"auditor"}))


async def figures(read: Read, now: datetime) -> Mapping[tuple[str, str], float]:
    """Masts shared and counted today by the default definition, their ratio (0 to 1) once any is counted, and by rule
    how many contradictions wait."""
    told: dict[tuple[str, str], float] = {
        ("contradictions_open", rule): count
        for rule, (count, _) in (await contradictions.waiting(read, actor=_EYES, now=now)).items()
    }
    try:
        scope = await ratios.scope(read, actor=_EYES, kind="mast", as_of=local_date(now), known_at=now, now=now)
    except (DefinitionUnknown, BoundarySetUnknown):
        return told
    figure = orjson.loads(await ratios.ratio(read, scope))
    told["masts_shared", scope.definition] = figure["shared"]
    told["masts_counted", scope.definition] = figure["counted"]
    if figure["counted"]:
        told["ratio", scope.definition] = figure["shared"] / figure["counted"]
    return told
