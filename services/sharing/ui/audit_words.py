"""What the codes of the audit are called on pages."""

import re
from collections.abc import Mapping
from typing import Any

from kernel.errors import N_

STATE = {"open": N_("To settle"), "settled": N_("Settled"), "dismissed": N_("Dismissed")}
STATE_TONE = {"open": "info", "settled": "ok", "dismissed": ""}
# Where the registry shows a structure, and where its record is corrected.
REGISTER = {"mast": "masts", "pole": "poles", "duct": "ducts"}
THING = {"station": N_("Station"), "agreement": N_("Agreement")}
ITEMS: Mapping[str | None, str] = {
    None: N_("All that were drawn"),
    "open": N_("To inspect"),
    "differs": N_("Found otherwise"),
    "to_mend": N_("Not yet corrected"),
}
FOUND = {
    "shared": N_("In service, shared"),
    "single": N_("In service, not shared"),
    "out": N_("Not to be counted"),
}
VERDICT = {"shared": (True, True), "single": (True, False), "out": (False, False)}
VERDICT_TONE = {"as_recorded": "ok", "differs": "warn"}
VERDICT_WORD = {"as_recorded": N_("As recorded"), "differs": N_("Otherwise")}
_HASH = re.compile(r"([0-9a-f]{64})?")


def standing(counted: bool | None, shared: bool | None) -> str:
    return FOUND["out" if not counted else "shared" if shared else "single"]


def found_value(row: Mapping[str, Any]) -> str:
    """What the form has chosen for a finding that is there."""
    if row["verdict"] != "differs":
        return row["verdict"] or ""
    found = (row["found_counted"], row["found_shared"])
    return next(name for name, verdict in VERDICT.items() if verdict == found)


def is_hash(text: str) -> bool:
    return _HASH.fullmatch(text) is not None
