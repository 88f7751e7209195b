"""Every state change of permits: lock, policy, rule, write, audit, outbox, in the transaction of the caller."""

from services.permits.commands.assign import assign, claim, hand_back
from services.permits.commands.check import Outlook, check
from services.permits.commands.complete import (
    Routed,
    accept,
    ask_function,
    deem_complete,
    lapse,
    request_supplement,
    routed,
    supplement,
)
from services.permits.commands.conditions import judge_condition, show_evidence
from services.permits.commands.copies import empty_copies, take_organisations, take_units
from services.permits.commands.decide import decide, extend, withdraw
from services.permits.commands.duties import set_duty
from services.permits.commands.file import Filing, Receipt, file
from services.permits.commands.keep import Taken, drop_chunks, drop_files, mark_stored, store_file, take
from services.permits.commands.law import Trial, change_draft, draft_law, publish_draft, try_draft
from services.permits.commands.messages import AUDIENCES, write_message
from services.permits.commands.notify import Sayer, meet, prefer, read_notices, send_digest, tell, write_letters
from services.permits.commands.phrases import PhraseText, write_phrase
from services.permits.commands.publish import publish
from services.permits.commands.receipt import receipt_paper
from services.permits.commands.review import (
    draft_opinion,
    fall_silent,
    give_opinion,
    pass_opinion,
    return_opinion,
    sign_opinion,
    submit_opinion,
)
from services.permits.commands.share import answer_sharing, keep_options
from services.permits.commands.tidings import escalate, remind, tell_of_events, tell_of_moves
from services.permits.commands.touch import Changed
from services.permits.commands.works import notify_works

__all__ = [
    "AUDIENCES",
    "Changed",
    "Filing",
    "Outlook",
    "PhraseText",
    "Receipt",
    "Routed",
    "Sayer",
    "Taken",
    "Trial",
    "accept",
    "answer_sharing",
    "ask_function",
    "assign",
    "change_draft",
    "check",
    "claim",
    "decide",
    "deem_complete",
    "draft_law",
    "draft_opinion",
    "drop_chunks",
    "drop_files",
    "empty_copies",
    "escalate",
    "extend",
    "fall_silent",
    "file",
    "give_opinion",
    "hand_back",
    "judge_condition",
    "keep_options",
    "lapse",
    "mark_stored",
    "meet",
    "notify_works",
    "pass_opinion",
    "prefer",
    "publish",
    "publish_draft",
    "read_notices",
    "receipt_paper",
    "remind",
    "request_supplement",
    "return_opinion",
    "routed",
    "send_digest",
    "set_duty",
    "show_evidence",
    "sign_opinion",
    "store_file",
    "submit_opinion",
    "supplement",
    "take",
    "take_organisations",
    "take_units",
    "tell",
    "tell_of_events",
    "tell_of_moves",
    "try_draft",
    "withdraw",
    "write_letters",
    "write_message",
    "write_phrase",
]
