"""Sharing first: why each mast around that could carry the station is not used."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from kernel.errors import N_, Fault

REASON_UNKNOWN = N_("This reason is not known.")
WORDS_MISSING = N_("Say in words how this is so.")
NO_SUCH_MAST = N_("This mast is not among those asked about.")


@dataclass(frozen=True)
class ShareAnswer:
    """Of the site `site_no`; `reason` is a code of the list `share_reason`."""

    structure_id: UUID
    reason: str
    words: str = ""
    site_no: int = 1


def share_faults(
    answers: Sequence[ShareAnswer],
    reasons: Mapping[str, Mapping[str, Any]],
    asked: Collection[tuple[int, UUID]] | None,
    at: str = "/sharing",
) -> list[Fault]:
    """`asked`: the masts asked about, None where that is not known yet."""
    faults = []
    for place, answer in enumerate(answers):
        if answer.reason not in reasons:
            faults.append(Fault(f"{at}/{place}/reason", "reason_unknown", REASON_UNKNOWN))
        elif reasons[answer.reason].get("words") and not answer.words.strip():
            faults.append(Fault(f"{at}/{place}/words", "missing", WORDS_MISSING))
        if asked is not None and (answer.site_no, answer.structure_id) not in asked:
            faults.append(Fault(f"{at}/{place}/structure", "mast_unknown", NO_SUCH_MAST))
    return faults
