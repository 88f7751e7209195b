"""Values that leave the process readable only by a gateway with the same key."""

import base64
import hashlib
import hmac
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE = 12


class Vault:
    """AES-256-GCM under a key derived from `secret` for one purpose; `bound_to` must be the same to open."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=f"hatang gateway {purpose}".encode())
        key = derived.derive(secret)
        self._cipher = AESGCM(key)
        self._tag_key = hmac.digest(key, b"tag", "sha256")

    def seal(self, plain: bytes, bound_to: str) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, plain, bound_to.encode())

    def tag(self, name: str) -> str:
        """22 characters that are the same for the same name and tell nothing about it."""
        digest = hashlib.blake2b(name.encode(), key=self._tag_key, digest_size=16).digest()
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def open(self, sealed: bytes, bound_to: str) -> bytes | None:
        """None when it was sealed with another key, for something else, or tampered with."""
        try:
            return self._cipher.decrypt(sealed[:_NONCE], sealed[_NONCE:], bound_to.encode())
        except (InvalidTag, ValueError):
            return None
