"""Seals: the office's key signs what it gives out, so that a paper can be checked years later without us.

Values are signed as a JWS (RFC 7515) over canonical JSON, with the certificate inside; PDFs by PAdES with the same key.
"""

import base64
import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    pkcs12,
)
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, RSAKey
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import signers
from pyhanko.sign.fields import SigFieldSpec, SigSeedSubFilter

from kernel.errors import N_, Unavailable

DEVELOPMENT = "development, not valid"


class _Roomy(jws.JWSRegistry):
    """A header has to hold the certificates; a list of thousands of parts is still a paper."""

    max_header_length = 16 * 1024
    max_payload_length = 4 * 1024 * 1024


_REGISTRIES = {name: _Roomy(algorithms=[name]) for name in ("ES256", "RS256")}


class SealMissing(Unavailable):
    detail = N_("No key for signing is set up here.")


class SealBroken(Exception):
    """What was signed is not what is here, or was not signed with the key of the certificate in it."""


@dataclass(frozen=True)
class Signer:
    """Who signed: the certificate's subject, its digest, and whether it is a key made for development only."""

    name: str
    sha256: str
    development: bool
    valid_to: datetime


def canonical(values: Mapping[str, Any]) -> bytes:
    """JSON with sorted keys and without spaces: the same values give the same bytes."""
    return orjson.dumps(values, default=str, option=orjson.OPT_SORT_KEYS)


def digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(canonical(values)).hexdigest()


class Seal:
    """A key and its certificate, read from a PKCS#12 file. Raises OSError, ValueError when it cannot be read."""

    def __init__(self, file: Path, password: str = "") -> None:
        secret = password.encode() or None
        key, certificate, others = pkcs12.load_key_and_certificates(file.read_bytes(), secret)
        if key is None or certificate is None or not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
            raise ValueError(f"{file} holds no certificate with an RSA or EC key")
        pdf_signer = signers.SimpleSigner.load_pkcs12(str(file), passphrase=secret)  # type: ignore[no-untyped-call]
        if pdf_signer is None:
            raise ValueError(f"{file} cannot be read as PKCS#12")
        self._pdf_signer = pdf_signer
        self._chain = [_encoded(one) for one in (certificate, *others)]
        self._algorithm = "ES256" if isinstance(key, ec.EllipticCurvePrivateKey) else "RS256"
        self._key = (ECKey if self._algorithm == "ES256" else RSAKey).import_key(
            key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        )
        self.signer = _signer(certificate)

    def sign(self, values: Mapping[str, Any]) -> str:
        """A compact JWS whose payload is `canonical(values)`."""
        header = {"alg": self._algorithm, "x5c": self._chain}
        return jws.serialize_compact(header, canonical(values), self._key, registry=_REGISTRIES[self._algorithm])

    async def sign_pdf(self, document: bytes, *, reason: str, field: str = "Seal") -> bytes:
        """The PDF with an invisible PAdES signature over all of it."""
        meta = signers.PdfSignatureMetadata(
            field_name=field, reason=reason, md_algorithm="sha256", subfilter=SigSeedSubFilter.PADES
        )
        writer = IncrementalPdfFileWriter(io.BytesIO(document))
        signed = await signers.async_sign_pdf(
            writer, meta, self._pdf_signer, new_field_spec=SigFieldSpec(sig_field_name=field)
        )
        return bytes(signed.getbuffer())


def opened(file: Path | None, password: str) -> Seal:
    """Raises SealMissing (503) where none is set up."""
    if file is None:
        raise SealMissing
    return Seal(file, password)


def checked(sealed: str, values: Mapping[str, Any] | None = None) -> tuple[Mapping[str, Any], Signer]:
    """What a compact JWS of ours says and who signed it, without any network. Raises SealBroken.

    With `values`, they must be what was signed. Whose certificate is trusted is for the reader to say: compare its
    digest with the one that the office publishes.
    """
    try:
        header = orjson.loads(_unpadded(sealed.partition(".")[0]))
        certificate = x509.load_der_x509_certificate(base64.b64decode(header["x5c"][0]))
        elliptic = isinstance(certificate.public_key(), ec.EllipticCurvePublicKey)
        public = certificate.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        algorithm = "ES256" if elliptic else "RS256"
        key = (ECKey if elliptic else RSAKey).import_key(public)
        payload = jws.deserialize_compact(sealed, key, registry=_REGISTRIES[algorithm]).payload
        said = orjson.loads(payload)
    except (JoseError, ValueError, KeyError, IndexError, TypeError) as error:
        raise SealBroken(str(error)) from error
    if values is not None and canonical(values) != payload:
        raise SealBroken("the values are not those that were signed")
    return said, _signer(certificate)


def make_development_seal(file: Path, password: str, *, now: datetime) -> None:
    """A self-signed key for a machine of a developer, said to be so in its own name. Mode 0600."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "hatang"),
            x509.NameAttribute(NameOID.ORGANIZATIONAL_UNIT_NAME, DEVELOPMENT),
            x509.NameAttribute(NameOID.COMMON_NAME, "hatang development seal"),
        ]
    )
    usage = x509.KeyUsage(True, True, False, False, False, False, False, False, False)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    sealed = pkcs12.serialize_key_and_certificates(
        b"seal", key, certificate, None, BestAvailableEncryption(password.encode())
    )
    file.touch(mode=0o600)
    file.write_bytes(sealed)


def _signer(certificate: x509.Certificate) -> Signer:
    units = certificate.subject.get_attributes_for_oid(NameOID.ORGANIZATIONAL_UNIT_NAME)
    return Signer(
        name=certificate.subject.rfc4514_string(),
        sha256=certificate.fingerprint(hashes.SHA256()).hex(),
        development=any(unit.value == DEVELOPMENT for unit in units),
        valid_to=certificate.not_valid_after_utc.astimezone(UTC),
    )


def _encoded(certificate: x509.Certificate) -> str:
    return base64.b64encode(certificate.public_bytes(Encoding.DER)).decode()


def _unpadded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
