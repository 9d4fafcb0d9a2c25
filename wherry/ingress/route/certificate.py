"""Certificates: a Secret's `tls.crt` and `tls.key`, checked and put into the form nginx gets.

What reaches nginx is written anew from the parsed objects, so bytes around or between the PEM blocks never travel on.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from wherry.objects import Object

if TYPE_CHECKING:
    from cryptography import x509

_CACHED: Final = 4096
"""Certificates kept parsed: a rebuild of the model then costs no cryptography for those that did not change."""


class BadCertificate(ValueError):
    """The Secret holds no usable certificate; the message says why."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate chain and its key, as PEM. `id` follows the content; `names` are the DNS names it is for."""

    id: str
    chain: str = field(repr=False)
    key: str = field(repr=False)
    names: tuple[str, ...]
    expires: datetime

    def covers(self, host: str) -> bool:
        """Whether the certificate is for `host`; a wildcard stands for one label (RFC 6125, 6.4.3)."""
        wildcard = "*." + host.partition(".")[2]
        return host in self.names or wildcard in self.names


def read_certificate(secret: Object) -> Certificate:
    """Return the certificate of a `kubernetes.io/tls` Secret; raises `BadCertificate`."""
    return parse_certificate(_entry(secret, "tls.crt"), _entry(secret, "tls.key"))


def _entry(secret: Object, name: str) -> bytes:
    text = (secret.get("data") or {}).get(name)
    if not text:
        raise BadCertificate(f"it has no {name}")
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise BadCertificate(f"{name} is not base64") from error


@lru_cache(maxsize=_CACHED)
def parse_certificate(chain: bytes, key: bytes) -> Certificate:
    """Return the certificate for a PEM chain, leaf first, and its unencrypted PEM key; raises `BadCertificate`."""
    from cryptography import x509  # here: 8 MB that a cluster without certificates need not have
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives import serialization

    try:
        certificates = x509.load_pem_x509_certificates(chain)
        leaf_key = certificates[0].public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise BadCertificate(f"tls.crt is not a PEM certificate: {error}") from error
    try:
        private = serialization.load_pem_private_key(key, None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise BadCertificate("tls.key is not an unencrypted PEM private key") from error
    if private.public_key() != leaf_key:
        raise BadCertificate("tls.key is not the key of tls.crt")
    encoded = b"".join(c.public_bytes(serialization.Encoding.PEM) for c in certificates)
    secret = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return Certificate(
        id=hashlib.sha256(encoded + secret).hexdigest(),
        chain=encoded.decode(),
        key=secret.decode(),
        names=_names(certificates[0]),
        expires=certificates[0].not_valid_after_utc,
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    """Return the DNS names of the subjectAltName; without one, the common names, which ingress-nginx still accepts."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names = extension.value.get_values_for_type(x509.DNSName)
    except (x509.ExtensionNotFound, ValueError):
        names = []
    if not names:
        names = [str(a.value) for a in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return tuple(name.lower() for name in names)
