"""What the broker of a deployment and its users need, made once: seeds, an authority, a certificate, the server's file.

`FOLDER/<user>/seed.nk` and `FOLDER/<user>/ca.pem` are for that user alone (mount nothing else into its containers);
`FOLDER/server/` is for the broker. The authority's own key is not kept: a new certificate is a new authority.
"""

import os
import shutil
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from infra.nats.keys import USERS, new_seed, public, write_private
from infra.nats.permissions import configuration

YEARS = 5
TLS = '\ntls {{\n  cert_file: "{folder}/cert.pem"\n  key_file: "{folder}/key.pem"\n  timeout: 3\n}}\n'


def prepare(folder: Path, host: str = "nats", mounted_as: str = "/keys", *, owner: int | None = None) -> None:
    """Idempotent: seeds and certificate stay when there are any. `mounted_as`: where the broker sees `server/`.

    `owner` is the account that the users' processes run as, when it is another than ours.
    """
    server = folder / "server"
    server.mkdir(parents=True, exist_ok=True)
    if not (server / "cert.pem").exists():
        _certify(server, host)
    keys = {}
    for user in USERS:
        own = folder / user
        own.mkdir(mode=0o700, exist_ok=True)
        if not (own / "seed.nk").exists():
            write_private(own / "seed.nk", new_seed())
        shutil.copyfile(server / "ca.pem", own / "ca.pem")
        keys[user] = public(own / "seed.nk")
        if owner is not None:
            for path in (own, own / "seed.nk", own / "ca.pem"):
                os.chown(path, owner, owner)
    (server / "nats.conf").write_text(configuration(keys, TLS.format(folder=mounted_as)))


def _certify(folder: Path, host: str) -> None:
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    name = _name("hatang broker authority")
    authority = (
        _certificate(name, name, authority_key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    names = [_general_name(each) for each in dict.fromkeys([host, "localhost", "127.0.0.1"])]
    certificate = (
        _certificate(_name(host), name, key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )
    write_private(folder / "key.pem", key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "ca.pem").write_bytes(authority.public_bytes(Encoding.PEM))
    (folder / "cert.pem").write_bytes(certificate.public_bytes(Encoding.PEM))


def _certificate(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=365 * YEARS))
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
