"""The pages of permits."""

from services.permits.ui import applicant, completeness, decision, dossier, filing, home, lists, opinion, parked

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
    parked.router,
]
