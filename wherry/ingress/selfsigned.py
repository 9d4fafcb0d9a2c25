"""The certificate for names nobody gave one for: self-signed, made at start, kept nowhere but in nginx' directory.

    python -m wherry.ingress.selfsigned FILE

prints it as JSON, for `fallback.py`.
"""

from __future__ import annotations

import secrets
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from wherry.ingress.route.certificate import Certificate, parse_certificate

COMMON_NAME: Final = "Wherry Ingress Controller Default Certificate"
DNS_NAME: Final = "ingress.local"
_LIFETIME: Final = timedelta(days=365)
_RENEWED: Final = timedelta(days=30)


def kept(path: Path, now: datetime) -> Certificate:
    """Return the certificate a predecessor wrote to `path`, or a new one if there is none that will do."""
    try:
        text = path.read_text()
        chain, mark, key = text.partition("-----BEGIN PRIVATE KEY-----")
        found = parse_certificate(chain.encode(), (mark + key).encode())
    except (OSError, ValueError):
        return self_signed(now)
    return found if found.expires - now > _RENEWED else self_signed(now)


def self_signed(now: datetime) -> Certificate:
    """Return a new certificate with a key of its own, valid for a year from an hour before `now` (aware)."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, COMMON_NAME), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "wherry")]
    )
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(secrets.randbits(159))
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(DNS_NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return parse_certificate(
        certificate.public_bytes(serialization.Encoding.PEM),
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
    )


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(kept(Path(sys.argv[1]), datetime.now(UTC))))
