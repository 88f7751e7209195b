"""The pages of permits."""

from services.permits.ui import applicant, dossier, home, lists, officer

# `/applications/new` comes before `/applications/{id}`.
ROUTERS = [home.router, lists.router, applicant.filing_router, dossier.router, officer.router, applicant.router]
