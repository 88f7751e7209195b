"""What people are told: the kinds, their words, and to whom each goes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kernel.errors import N_

WORDS: Mapping[str, str] = {
    "filed": N_("{applicant} has filed {number}. The parts are to be checked."),
    "asked": N_("An opinion on {function} is asked for {number}."),
    "complete": N_("{number} is found complete; the departments are asked."),
    "supplement_requested": N_("{number} needs a supplement: {parts}."),
    "supplemented": N_("The supplement of {number} is here."),
    "handed_in": N_("The draft on {function} for {number} waits to be checked or signed."),
    "returned": N_("The draft on {function} for {number} is handed back: {reason}"),
    "silent": N_("No opinion on {function} for {number} came in time: it counts as agreement."),
    "ready": N_("All asked have answered on {number}. It can be decided."),
    "decided": N_("{number} is decided: {decision}."),
    "withdrawn": N_("{number} is withdrawn by its applicant."),
    "commenced": N_("The works of {number} have begun."),
    "completed": N_("The works of {number} are completed."),
    "condition_shown": N_("Evidence for condition {no} of {number} is here."),
    "condition_judged": N_("The verdict on condition {no} of {number} is here."),
    "message": N_("{who} writes about {number}."),
    "due_soon": N_("{number} is due on {due_on}: {clock}."),
    "overdue": N_("{number} is overdue since {due_on}: {clock}."),
    "moved": N_("{number}: {clock} is due on {due_on} now, before on {was}. The working calendar has changed."),
    "assigned": N_("{who} gives {number} to you."),
}
KINDS: tuple[str, ...] = tuple(WORDS)
NAMES: Mapping[str, str] = {
    "filed": N_("A dossier is filed"),
    "asked": N_("An opinion is asked"),
    "complete": N_("A dossier is found complete"),
    "supplement_requested": N_("A supplement is asked for"),
    "supplemented": N_("A supplement arrives"),
    "handed_in": N_("A draft waits for me"),
    "returned": N_("My draft is handed back"),
    "silent": N_("Silence counted as agreement"),
    "ready": N_("A dossier can be decided"),
    "decided": N_("A dossier is decided"),
    "withdrawn": N_("A dossier is withdrawn"),
    "commenced": N_("Works begin"),
    "completed": N_("Works are completed"),
    "condition_shown": N_("Evidence for a condition"),
    "condition_judged": N_("The verdict on a condition"),
    "message": N_("Messages and notes"),
    "due_soon": N_("A time limit ends soon"),
    "overdue": N_("A time limit is over"),
    "moved": N_("A due day moves with the calendar"),
    "assigned": N_("A dossier is given to me"),
}
CLOCKS: Mapping[str, str] = {
    "completeness": N_("Completeness check"),
    "recheck": N_("Check of the supplement"),
    "answer": N_("Supplement by the applicant"),
    "refusal": N_("Refusal"),
    "consultation": N_("Opinion"),
    "decision": N_("Decision"),
}
# What nobody can silence: somebody answers for it.
LOUD = frozenset({"overdue", "silent"})
MAILS = ("at_once", "digest", "off")


@dataclass(frozen=True)
class Audience:
    """People of one organisation, or of those that have succeeded it, with one of the capabilities.

    `function`: only those who act for it. `people`: exactly these, whatever they hold.
    """

    org: str = ""
    capabilities: tuple[str, ...] = ()
    function: str | None = None
    people: tuple[str, ...] = ()


@dataclass(frozen=True)
class Notice:
    """`once` names what is told: the same is not told twice to one person. `params`: codes and figures, no prose."""

    kind: str
    once: str
    params: Mapping[str, Any]
    audiences: tuple[Audience, ...]
