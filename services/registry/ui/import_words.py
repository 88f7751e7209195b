"""What imports are called on pages."""

from kernel.errors import N_
from services.registry.ui.words import FACT

STATE = {
    "received": N_("Being opened"),
    "read": N_("Columns to confirm"),
    "checking": N_("Being checked"),
    "checked": N_("Checked"),
    "running": N_("Being recorded"),
    "done": N_("Recorded"),
    "cancelled": N_("Cancelled"),
    "failed": N_("Unreadable"),
}
STATE_TONE = {
    "received": "pause",
    "read": "info",
    "checking": "pause",
    "checked": "info",
    "running": "pause",
    "done": "ok",
    "cancelled": "",
    "failed": "bad",
}
KIND = {"mast": N_("Antenna masts"), "pole": N_("Cable poles"), "duct": N_("Ducts and manholes")}
PLAN = {
    "new": N_("New"),
    "near": N_("Perhaps known already"),
    "replace": N_("To be corrected"),
    "new_version": N_("To be changed"),
    "skip": N_("Known, left as it is"),
    "unchanged": N_("Known, the same"),
    "refused": N_("With faults"),
    "ignored": N_("No structure"),
}
OUTCOME = {
    **PLAN,
    "new": N_("Recorded"),
    "replace": N_("Corrected"),
    "new_version": N_("Changed"),
    "refused": N_("Refused"),
}
ON_DUPLICATE = {
    "skip": N_("Leave it as it is"),
    "replace": N_("Correct it: the record was wrong"),
    "new_version": N_("Change it from the row's day on"),
}
FIELD = {
    **FACT,
    "name": N_("Designation"),
    "lon": N_("Longitude"),
    "lat": N_("Latitude"),
    "northing": N_("VN-2000, x (north)"),
    "easting": N_("VN-2000, y (east)"),
    "code_system": N_("System of the class code"),
    "public_no": N_("Public number"),
    "id": N_("Id"),
    "valid_from": N_("Holds from"),
    "evidence": N_("Evidence"),
    "reason": N_("Remark"),
    "sector": N_("Sector"),
    "length_m": N_("Length"),
    "synthetic": N_("Sample data"),
    "file": N_("The row"),
}
ENCODING = {
    "utf-8-sig": "UTF-8",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16 BE",
    "cp1258": "Windows-1258",
    "latin-1": N_("Letters of a legacy font"),
}
LEGACY = {"tcvn3": "TCVN3 (.Vn)", "vni": "VNI"}
DEFAULTS = ("owner", "status", "valid_from", "code_system", "evidence")
