"""What the gateway itself refuses or has to report about a service."""

from kernel.errors import N_, Forbidden, Refusal, TooLarge, Unavailable

__all__ = [
    "BodyTooSlow",
    "CrossSiteRefused",
    "IdentityAway",
    "MethodRefused",
    "PathRefused",
    "ServiceAway",
    "ServiceBroke",
    "ServiceBusy",
    "ServiceSlow",
    "SessionsAway",
    "SignInFailed",
    "TooLarge",
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


class SignInFailed(Refusal):
    status = 400
    detail = N_("The sign-in was not completed. Begin again.")


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
