"""The realm's signing keys: made once, kept in a 0600 file, rotated without breaking tokens under way."""

import json
import secrets
from pathlib import Path
from typing import Any

from joserfc.jwk import KeySet, OctKey, RSAKey

KEPT = 3


class KeyRing:
    """RSA keys for what others verify (the last one signs), one secret for our own refresh tokens."""

    def __init__(self, path: Path) -> None:
        self._path = path
        if path.exists():
            kept = json.loads(path.read_text())
            self._keys = [RSAKey.import_key(key) for key in kept["keys"]]
            self.refresh_key = OctKey.import_key(kept["refresh"])
        else:
            self._keys = []
            self.refresh_key = OctKey.generate_key(512, parameters={"kid": secrets.token_hex(8)})
            self.rotate()

    @property
    def signing_key(self) -> RSAKey:
        return self._keys[-1]

    @property
    def verifying_keys(self) -> KeySet:
        return KeySet(list(self._keys))

    def rotate(self) -> str:
        """Adds a key that signs from now on and gives its id; the former ones still verify."""
        made = RSAKey.generate_key(2048, parameters={"kid": secrets.token_urlsafe(16), "use": "sig", "alg": "RS256"})
        self._keys = [*self._keys, made][-KEPT:]
        self._write()
        return str(made.kid)

    def public(self) -> dict[str, Any]:
        """The JSON Web Key Set served to verifiers."""
        return {"keys": [key.as_dict(private=False) for key in reversed(self._keys)]}

    def _write(self) -> None:
        kept = {
            "keys": [key.as_dict(private=True) for key in self._keys],
            "refresh": self.refresh_key.as_dict(private=True),
        }
        partial = self._path.with_name(f"{self._path.name}.new")
        partial.touch(mode=0o600)
        partial.write_text(json.dumps(kept))
        partial.replace(self._path)
