"""The pages of permits."""

from services.permits.ui import applicant, completeness, decision, dossier, duties, filing, home, lists, opinion, parked

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
    duties.router,
    parked.router,
]
