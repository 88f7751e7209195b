"""The states of a dossier, the moves between them, and what each of them demands."""

from services.permits.domain.application.intake import (
    Ground,
    KnownFile,
    KnownUnit,
    PartDraft,
    SiteDraft,
    SupplementItem,
    check_filing,
    check_request,
    facts_of,
    part_faults,
    unanswered,
)
from services.permits.domain.application.judgement import (
    OPINIONS,
    SILENT,
    Condition,
    Decision,
    Opinion,
    ReviewState,
    check_decision,
    check_opinion,
    check_signer,
)
from services.permits.domain.application.states import OPEN, STATES, Act, State, moves_from, next_state
from services.permits.domain.application.works import check_notice

__all__ = [
    "OPEN",
    "OPINIONS",
    "SILENT",
    "STATES",
    "Act",
    "Condition",
    "Decision",
    "Ground",
    "KnownFile",
    "KnownUnit",
    "Opinion",
    "PartDraft",
    "ReviewState",
    "SiteDraft",
    "State",
    "SupplementItem",
    "check_decision",
    "check_filing",
    "check_notice",
    "check_opinion",
    "check_request",
    "check_signer",
    "facts_of",
    "moves_from",
    "next_state",
    "part_faults",
    "unanswered",
]
