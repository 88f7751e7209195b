"""The life of a structure: which state may follow which."""

from kernel.errors import N_, Conflict

STATUSES = ("planned", "permitted", "under_construction", "in_service", "idle", "dismantled")
STANDING = ("under_construction", "in_service", "idle")
OPEN_TO_ALL = ("in_service", "idle", "dismantled")

MOVES: dict[str, frozenset[str]] = {
    "planned": frozenset({"permitted", "under_construction", "dismantled"}),
    "permitted": frozenset({"under_construction", "in_service", "dismantled"}),
    "under_construction": frozenset({"in_service", "dismantled"}),
    "in_service": frozenset({"idle", "dismantled"}),
    "idle": frozenset({"in_service", "dismantled"}),
    "dismantled": frozenset(),
}


class WrongMove(Conflict):
    detail = N_("A structure that is {before} cannot become {after}.")


def check_move(before: str | None, to: str, after: str | None) -> None:
    """`before` holds on the eve of the day, `after` begins later and is already recorded. Raises WrongMove (409)."""
    if before is not None and to not in MOVES[before]:
        raise WrongMove(before=before, after=to)
    if after is not None and after not in MOVES[to]:
        raise WrongMove(before=to, after=after)
