"""What every answer of this origin says to the browser, whoever made the answer."""

from urllib.parse import urlsplit

from starlette.types import Message, Send

from gateway.settings import GatewaySettings

# Shared machines in offices: what says nothing about caching is not kept by the browser.
_NOT_KEPT = ((b"cache-control", b"no-store"),)


def fixed_headers(settings: GatewaySettings) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that are the same on every answer; Strict-Transport-Security only where the origin is https."""
    said = {
        "content-security-policy": content_security_policy(settings),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), payment=(), usb=(), geolocation=(self), browsing-topics=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
    }
    if settings.public.scheme == "https":
        said["strict-transport-security"] = "max-age=31536000; includeSubDomains"
    return tuple((name.encode(), value.encode()) for name, value in said.items())


def content_security_policy(settings: GatewaySettings) -> str:
    issuer = urlsplit(settings.issuer)
    tiles = _tile_origin(settings.tile_url)
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": f"'self' data: {tiles}".strip(),
        "font-src": "'self'",
        "connect-src": "'self'",
        # The sign-out form's redirect to the provider counts as part of the form's journey in Chromium.
        "form-action": f"'self' {issuer.scheme}://{issuer.netloc}",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    return "; ".join(f"{name} {value}" for name, value in rules.items())


def shielded(send: Send, fixed: tuple[tuple[bytes, bytes], ...], trace_id: str) -> Send:
    added = (*fixed, (b"x-trace-id", trace_id.encode()))

    async def with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            said = message["headers"]
            keep = () if any(name == b"cache-control" for name, _ in said) else _NOT_KEPT
            message["headers"] = [*said, *keep, *added]
        await send(message)

    return with_headers


def _tile_origin(tile_url: str) -> str:
    if not tile_url:
        return ""
    parts = urlsplit(tile_url.replace("{s}", "*"))
    return f"{parts.scheme}://{parts.netloc}"
