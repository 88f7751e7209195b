"""What can be set for sharing, beside what every service has."""

from kernel.settings import ServiceSettings


class SharingSettings(ServiceSettings):
    """`retry_seconds`: how long a caller is asked to wait for a copy that lags behind the registry."""

    retry_seconds: int = 2
