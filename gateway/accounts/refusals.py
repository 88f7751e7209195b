"""Why the realm does not hold what was asked for."""

from kernel.errors import N_, Conflict, Invalid, NotFound, Unavailable


class AccountsNotKept(Unavailable):
    """No secret of the administrator's client was given to this gateway."""

    detail = N_("People and clients cannot be kept here: the gateway has no rights over the realm.")


class ClientTaken(Conflict):
    detail = N_("This client id belongs to somebody else.")


class ClientUnknown(NotFound):
    detail = N_("The realm has no such client of this organisation.")


class PersonTaken(Conflict):
    detail = N_("This sign-in name belongs to somebody else.")


class PersonUnknown(NotFound):
    detail = N_("The realm has no such person of this organisation.")


class AccountRefused(Invalid):
    """The realm's own rules, such as its user profile, stand against it."""

    detail = N_("The sign-in service does not accept these values.")


class InvitationOver(NotFound):
    detail = N_("This invitation was used, replaced or has expired. Ask the administrator for a new one.")


class PasswordRefused(Invalid):
    detail = N_("The sign-in service does not accept this password: choose a longer or less usual one.")
