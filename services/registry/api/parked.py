from kernel import parked_doors
from services.registry.api.gate import needs

router = parked_doors.api("registry", read=needs("registry:parked:read"), redrive=needs("registry:parked:redrive"))
