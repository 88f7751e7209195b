"""The pages of permits."""

from services.permits.ui import (
    applicant,
    completeness,
    conditions,
    decision,
    dossier,
    duties,
    filing,
    home,
    law,
    lists,
    notices,
    opinion,
    parked,
    phrases,
    sharing,
    statistics,
)

# `/applications/new` comes before `/applications/{id}`.
ROUTERS = [
    home.router,
    lists.router,
    filing.router,
    dossier.router,
    completeness.router,
    opinion.router,
    decision.router,
    applicant.router,
    conditions.router,
    sharing.router,
    duties.router,
    phrases.router,
    law.router,
    statistics.router,
    notices.router,
    parked.router,
]
