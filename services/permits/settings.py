"""What can be set for permits, beside what every service has."""

from kernel.settings import ServiceSettings


class PermitsSettings(ServiceSettings):
    """Sizes in decimal megabytes; `area` is the code of the province whose calendar and number series count.

    `clamd`: a scanner's socket or `host:port`, asked before a file is taken; while it is away, files are refused for
    a time (503) unless `clamd_needed` is off.
    """

    area: str = "96"
    max_file_mb: int = 50
    max_dossier_mb: int = 200
    max_pixels: int = 50_000_000
    unused_file_hours: int = 48
    chunk_days: int = 7
    orphan_days: int = 30
    clamd: str = ""
    clamd_needed: bool = True
