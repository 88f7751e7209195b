from kernel import parked_doors
from services.permits.domain import policy
from services.permits.ui.gate import needs

router = parked_doors.pages(
    "permits",
    read=needs("permits:parked:read"),
    redrive=needs("permits:parked:redrive"),
    may_redrive=lambda actor: policy.allowed(actor, "permits:parked:redrive"),
)
