from kernel import parked_doors
from services.permits.api.gate import needs

router = parked_doors.api("permits", read=needs("permits:parked:read"), redrive=needs("permits:parked:redrive"))
