from kernel import parked_doors
from services.registry.domain import policy
from services.registry.ui.gate import needs

router = parked_doors.pages(
    "registry",
    read=needs("registry:parked:read"),
    redrive=needs("registry:parked:redrive"),
    may_redrive=lambda actor: policy.may(actor, "registry:parked:redrive"),
)
