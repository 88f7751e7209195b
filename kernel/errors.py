"""Expected refusals, typed; on the wire RFC 9457 problem documents whose stable code is the class name."""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any


def N_(message: str) -> str:
    """Marks a message for extraction; it is translated where the caller's language is known."""
    return message


class Fault:
    """One thing that is wrong, and where: `pointer` is a JSON pointer into the request, such as `/sites/0/height_m`."""

    def __init__(self, pointer: str, code: str, detail: str, **params: Any) -> None:
        self.pointer, self.code, self.detail, self.params = pointer, code, detail, params

    def __repr__(self) -> str:
        return f"Fault({self.pointer!r}, {self.code!r}, {self.params!r})"


class Refusal(Exception):
    """The state of affairs that stands against the request. `detail` is English with {params}, also the gettext key."""

    status: int = 400
    detail: str = ""

    def __init__(
        self, *, errors: Sequence[Fault] = (), headers: Mapping[str, str] | None = None, **params: Any
    ) -> None:
        super().__init__(type(self).__name__, params)
        self.errors, self.headers, self.params = tuple(errors), dict(headers or {}), params

    @property
    def code(self) -> str:
        return type(self).__name__

    def say(self, translate: Callable[[str], str]) -> str:
        return translate(self.detail).format(**self.params)


class Unauthenticated(Refusal):
    status = 401
    detail = N_("Sign in, or send a valid access token.")


class Forbidden(Refusal):
    status = 403
    detail = N_("Your role does not allow this.")


class NotFound(Refusal):
    """Also the answer to somebody who may not see the thing."""

    status = 404
    detail = N_("There is nothing here, or you may not see it.")


class Conflict(Refusal):
    status = 409
    detail = N_("The present state does not allow this.")


class Stale(Refusal):
    status = 412
    detail = N_("Somebody changed this in the meantime. Load it again and repeat the change.")


class TooLarge(Refusal):
    status = 413
    detail = N_("The request is larger than {limit_mb} MB.")


class Invalid(Refusal):
    status = 422
    detail = N_("Some values are missing or wrong.")


class TooMany(Refusal):
    status = 429
    detail = N_("Too many requests. Try again in {seconds} seconds.")


class Unavailable(Refusal):
    status = 503
    detail = N_("A part of the system is away. Nothing was lost; try again shortly.")


class MalformedRequest(Invalid):
    detail = N_("Some values are missing or wrong.")


class NoSuchPage(NotFound):
    detail = N_("There is no such page.")


class WrongMethod(Conflict):
    status = 405
    detail = N_("This address does not take that method.")


class InternalError(Refusal):
    status = 500
    detail = N_("Something broke on our side. Nothing of this request was kept; the trace id helps us find it.")


def problem(refusal: Refusal, translate: Callable[[str], str], trace_id: str) -> dict[str, Any]:
    """The problem document; `errors` lists every fault with its pointer."""
    body: dict[str, Any] = {
        "type": f"/problems/{refusal.code}",
        "title": HTTPStatus(refusal.status).phrase,
        "status": refusal.status,
        "code": refusal.code,
        "detail": refusal.say(translate),
        "trace_id": trace_id,
    }
    if refusal.errors:
        body["errors"] = [
            {"pointer": f.pointer, "code": f.code, "detail": translate(f.detail).format(**f.params)}
            for f in refusal.errors
        ]
    return body
