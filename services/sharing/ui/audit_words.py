"""What the codes of the audit are called on pages."""

from kernel.errors import N_

STATE = {"open": N_("To settle"), "settled": N_("Settled"), "dismissed": N_("Dismissed")}
STATE_TONE = {"open": "info", "settled": "ok", "dismissed": ""}
THING = {"station": N_("Station"), "agreement": N_("Agreement")}
