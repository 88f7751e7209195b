"""Numbers people read: gap-free within an office, a kind of paper and a year."""


def dossier_series(area: str) -> str:
    """One intake office per province, whichever way a dossier arrives."""
    return f"{area}:HS"


def dossier_number(year: int, no: int) -> str:
    return f"HS-{year}-{no:05}"


def decision_series(office: str, paper: str) -> str:
    return f"{office}:{paper}"


def decision_number(office: str, paper: str, year: int, no: int) -> str:
    """As Vietnamese papers are numbered: `15/2026/GPXD-SXD`."""
    return f"{no}/{year}/{paper}-{office}"
