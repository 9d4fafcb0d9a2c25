"""The certificate for an approved request. Pure, but for the number that is drawn.

Source: kubernetes pkg/controller/certificates/authority (PermissiveSigningPolicy), RFC 5280.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ObjectIdentifier

from wherry.objects.meaning import signing

BACKDATED = timedelta(minutes=5)
"""For clocks that are behind."""
SHORTEST_SECONDS = 600


class Authority(NamedTuple):
    """A certificate and its key."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


def authority(certificate_pem: str, key_pem: str) -> Authority:
    """Return what is in two PEM files; raises ValueError."""
    key = serialization.load_pem_private_key(key_pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise ValueError("the key of the certificate authority must be one of RSA or of an elliptic curve")
    return Authority(x509.load_pem_x509_certificate(certificate_pem.encode()), key)


def seconds(asked: int | None, longest: int) -> int:
    """Return how long a certificate is to be good, of `spec.expirationSeconds` and what the cluster allows."""
    return longest if asked is None else min(longest, max(SHORTEST_SECONDS, asked))


def issue(
    request: x509.CertificateSigningRequest, usages: Iterable[str], by: Authority, now: float, lasting: int
) -> x509.Certificate:
    """Return what is asked for, good for `lasting` seconds from `now` (since the epoch), but not longer than `by` is.

    Raises ValueError for a request that is not signed by its own key, or cannot become a certificate.
    """
    if not request.is_signature_valid:
        raise ValueError("the request is not signed by the key it is for")
    key = request.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey | rsa.RSAPublicKey | ed25519.Ed25519PublicKey):
        raise ValueError("only keys of RSA, elliptic curves and Ed25519 get certificates")
    asked, begins = set(usages), datetime.fromtimestamp(now, UTC)
    ends = min(begins + timedelta(seconds=lasting), by.certificate.not_valid_after_utc)
    builder = (
        x509.CertificateBuilder()
        .subject_name(request.subject)
        .issuer_name(by.certificate.subject)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins - BACKDATED)
        .not_valid_after(ends)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_authority_identifier(by.certificate), critical=False)
    )
    if names := signing.alternative_names(request):
        # RFC 5280, 4.2.1.6: where the subject says nothing, its other names have to be understood.
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=not list(request.subject))
    if plain := _listed(asked, signing.KEY_USAGES):
        builder = builder.add_extension(_key_usage(set(plain)), critical=True)
    if extended := _listed(asked, signing.EXTENDED_KEY_USAGES):
        builder = builder.add_extension(x509.ExtendedKeyUsage(map(ObjectIdentifier, extended)), critical=False)
    return builder.sign(by.key, hashes.SHA256())


def _listed(asked: set[str], known: Mapping[str, str]) -> list[str]:
    return list(dict.fromkeys(meaning for usage, meaning in known.items() if usage in asked))


def _key_usage(asked: set[str]) -> x509.KeyUsage:
    return x509.KeyUsage(**{name: name in asked for name in dict.fromkeys(signing.KEY_USAGES.values())})


def _authority_identifier(certificate: x509.Certificate) -> x509.AuthorityKeyIdentifier:
    try:
        own = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    except x509.ExtensionNotFound:
        return x509.AuthorityKeyIdentifier.from_issuer_public_key(certificate.public_key())  # type: ignore[arg-type]
    return x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(own)
