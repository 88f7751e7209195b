"""What the gateway itself refuses or has to report about a service."""

from kernel.errors import N_, Forbidden, Invalid, NotFound, Refusal, TooLarge, TooMany, Unauthenticated, Unavailable

__all__ = [
    "AddressRefused",
    "BadLimit",
    "BadRequest",
    "BodyTooSlow",
    "ConnectionsFull",
    "CrossSiteRefused",
    "FramingRefused",
    "HeadTooLarge",
    "HeadTooSlow",
    "HostRefused",
    "IdentityAway",
    "LogoutRefused",
    "MalformedHeaders",
    "MethodRefused",
    "NotFound",
    "PathRefused",
    "ServiceAway",
    "ServiceBroke",
    "ServiceBusy",
    "ServiceSlow",
    "SessionsAway",
    "SignInFailed",
    "TooLarge",
    "TooMany",
    "Unauthenticated",
]


class PathRefused(Refusal):
    status = 400
    detail = N_("The address holds an empty, dotted or encoded path segment.")


class MethodRefused(Refusal):
    status = 405
    detail = N_("This method is not taken here.")


class BodyTooSlow(Refusal):
    status = 408
    detail = N_("The request body stopped arriving.")


class CrossSiteRefused(Forbidden):
    detail = N_("The request came from another site.")


class AddressRefused(Forbidden):
    detail = N_(
        "This client may not come from the address {address}. Its organisation's networks are recorded with it."
    )


class SignInFailed(Refusal):
    status = 400
    detail = N_("The sign-in was not completed. Begin again.")


class LogoutRefused(Refusal):
    status = 400
    detail = N_("This logout token is not valid here.")


class HeadTooLarge(Refusal):
    status = 431
    detail = N_("The request line and headers are larger than this gateway takes.")


class HeadTooSlow(Refusal):
    status = 408
    detail = N_("The request line and headers did not arrive in time.")


class BadRequest(Refusal):
    status = 400
    detail = N_("The request is not well-formed HTTP.")


class BadLimit(Invalid):
    detail = N_("A page holds 1 to {largest} entries.")


class HostRefused(Refusal):
    status = 400
    detail = N_("A request names exactly one host.")


class MalformedHeaders(Refusal):
    status = 400
    detail = N_("A header that may be given once is given twice.")


class FramingRefused(Refusal):
    status = 400
    detail = N_("The length of the request body is given in a way that can be read differently.")


class ConnectionsFull(Unavailable):
    detail = N_("Too many connections are open. Nothing was accepted; try again shortly.")


class ServiceAway(Unavailable):
    detail = N_("The service “{service}” is away. Nothing was accepted; try again shortly.")


class ServiceBusy(Unavailable):
    detail = N_("The service “{service}” has too much to do. Nothing was accepted; try again shortly.")


class SessionsAway(Unavailable):
    detail = N_("Sign-ins cannot be looked up at the moment. Nothing was lost; try again shortly.")


class IdentityAway(Unavailable):
    detail = N_("The sign-in service is away. Try again shortly.")


class ServiceBroke(Refusal):
    status = 502
    detail = N_(
        "The connection to the service “{service}” broke before it answered. Whether the request was carried out "
        "is not known; repeat it with the same Idempotency-Key."
    )


class ServiceSlow(Refusal):
    status = 504
    detail = N_(
        "The service “{service}” did not answer in time. Whether the request was carried out is not known; "
        "repeat it with the same Idempotency-Key."
    )
