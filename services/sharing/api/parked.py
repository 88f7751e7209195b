from kernel import parked_doors
from services.sharing.api.gate import needs

router = parked_doors.api("sharing", read=needs("sharing:parked:read"), redrive=needs("sharing:parked:redrive"))
