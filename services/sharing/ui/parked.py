from kernel import parked_doors
from services.sharing.domain import policy
from services.sharing.ui.gate import needs

router = parked_doors.pages(
    "sharing",
    read=needs("sharing:parked:read"),
    redrive=needs("sharing:parked:redrive"),
    may_redrive=lambda actor: policy.may(actor, "sharing:parked:redrive"),
)
