"""The page behind an invitation's link: a person sets the password with which to sign in from then on."""

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from gateway.accounts.keeping import Keeping
from gateway.accounts.refusals import PasswordRefused
from kernel.errors import N_
from kernel.web.render import gettext_of, render

SHORTEST, LONGEST = 12, 200
TOO_SHORT = N_("Choose a password of at least {n} characters.")
DIFFERENT = N_("The two passwords differ. Type the same one twice.")


class InvitationPages:
    """Whoever has the link is who was invited: there is no session yet, and the token is what protects the form."""

    def __init__(self, keeping: Keeping) -> None:
        self._keeping = keeping

    def routes(self) -> list[Route]:
        return [
            Route("/invitation/{token}", self.show, methods=["GET"]),
            Route("/invitation/{token}", self.set, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        return await self._page(request, {}, 200)

    async def set(self, request: Request) -> Response:
        form = await request.form(max_files=0, max_fields=5)
        password, again = str(form.get("password") or ""), str(form.get("again") or "")
        errors = _faults(request, password, again)
        if not errors:
            try:
                await self._keeping.set_password(request.path_params["token"], password)
            except PasswordRefused as refusal:
                errors = {"password": gettext_of(request, refusal.detail)}
            else:
                return RedirectResponse("/sign-in", 303, headers={"Cache-Control": "no-store"})
        return await self._page(request, errors, 422)

    async def _page(self, request: Request, errors: dict[str, str], status: int) -> Response:
        user = await self._keeping.invited(request.path_params["token"])
        context = {"username": user["username"], "name": user.get("firstName") or "", "errors": errors}
        response = render(request, "gateway/invitation.html", {**context, "shortest": SHORTEST}, status)
        response.headers["Cache-Control"] = "no-store"
        return response


def _faults(request: Request, password: str, again: str) -> dict[str, str]:
    if not SHORTEST <= len(password) <= LONGEST:
        return {"password": gettext_of(request, TOO_SHORT, n=SHORTEST)}
    return {"again": gettext_of(request, DIFFERENT)} if password != again else {}
