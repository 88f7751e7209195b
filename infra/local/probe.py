import http.client
from urllib.parse import urlsplit


def status(url: str, *, timeout: float = 3) -> int:
    """The HTTP status of a GET, 0 when nobody answers."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port or 80, timeout=timeout)
    try:
        connection.request("GET", parts.path or "/")
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()


def is_ready(url: str) -> bool:
    return status(url) == 200
