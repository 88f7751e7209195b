"""What codes are called on pages: the words are translated where they are shown."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from kernel.errors import N_
from services.sharing.domain.figures import COUNTED as COUNTED
from services.sharing.domain.figures import SHARED as SHARED

KIND = {"mast": N_("Antenna masts"), "pole": N_("Cable poles"), "duct": N_("Ducts and manholes")}
# The pages of the register by kind of structure.
REGISTER = {"mast": "/registry/masts", "pole": "/registry/poles", "duct": "/registry/ducts"}
TITLE = {
    "mast": N_("Sharing ratio of antenna masts"),
    "pole": N_("Sharing ratio of cable poles"),
    "duct": N_("Sharing ratio of ducts and manholes"),
}
PIECES = {"mast": N_("masts"), "pole": N_("poles"), "duct": N_("ducts")}
SIDE = {"numerator": N_("Numerator"), "denominator": N_("Denominator"), "excluded": N_("Not counted")}
REASON = {
    "shared": N_("Two enterprises or more"),
    "single_enterprise": N_("One enterprise only"),
    "no_enterprise": N_("No telecom enterprise"),
    "same_legal_entity": N_("Brands of one enterprise"),
    "evidence": N_("Evidence too weak"),
    "not_counted:status": N_("Not in service"),
    "not_counted:boundaries": N_("Outside these boundaries"),
    "not_counted:commune": N_("Commune not known"),
}
OTHER_REASON = N_("Not counted by this definition")
STATUS = {
    "in_force": N_("In force"),
    "ended": N_("Ended"),
    "terminated": N_("Terminated"),
    "not_begun": N_("Not begun"),
    "undone": N_("Undone"),
}
STATUS_TONE = {"in_force": "ok", "ended": "", "terminated": "warn", "not_begun": "info", "undone": ""}
ACT = {
    "register": N_("Recorded"),
    "terminate": N_("Ended"),
    "correct": N_("Corrected"),
}


def last_day(valid_to: date | None) -> date | None:
    """People ask for the last day on which something holds; records keep the first on which it does not."""
    return None if valid_to is None else valid_to - timedelta(days=1)


def titled(row: Any, lang: str) -> str:
    return str(row.title_vi if lang == "vi" else row.title_en)


def named(names: Mapping[str, tuple[str, str]], code: str, lang: str) -> str:
    """What an organisation is called; its code while its name has not arrived."""
    found = names.get(code)
    return code if found is None else found[0 if lang == "vi" else 1]
