"""What every answer of this origin says to the browser, whoever made the answer."""

from urllib.parse import urlsplit

from gateway.settings import GatewaySettings

Added = tuple[tuple[bytes, bytes], ...]
# Shared machines in offices: what says nothing about caching is not kept by the browser.
NOT_KEPT = (b"cache-control", b"no-store")


def fixed_headers(settings: GatewaySettings) -> Added:
    """The headers that are the same on every answer; Strict-Transport-Security only where the origin is https."""
    said = {
        "content-security-policy": content_security_policy(settings),
        "x-content-type-options": "nosniff",
        "referrer-policy": "same-origin",
        "permissions-policy": "camera=(), microphone=(), payment=(), usb=(), geolocation=(self), browsing-topics=()",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-resource-policy": "same-origin",
        "x-permitted-cross-domain-policies": "none",
        "x-frame-options": "DENY",
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


def _tile_origin(tile_url: str) -> str:
    if not tile_url:
        return ""
    parts = urlsplit(tile_url.replace("{s}", "*"))
    return f"{parts.scheme}://{parts.netloc}"
