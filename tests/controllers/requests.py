"""Requests for certificates, as openssl makes them."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from functools import cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wherry.objects import Object
from wherry.objects.meaning import signing
from wherry.objects.resource import CERTIFICATE_SIGNING_REQUESTS

NODE = "system:node:n1"


@cache
def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def request(
    name: str, organizations: Sequence[str] = (), alternatives: Sequence[x509.GeneralName] = ()
) -> x509.CertificateSigningRequest:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, one) for one in organizations]
    parts += [x509.NameAttribute(NameOID.COMMON_NAME, name)] if name else []
    builder = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts))
    if alternatives:
        builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
    return builder.sign(key(), hashes.SHA256())


def encoded(asked: x509.CertificateSigningRequest) -> str:
    return base64.b64encode(asked.public_bytes(serialization.Encoding.PEM)).decode()


def csr(
    asked: x509.CertificateSigningRequest,
    signer: str = signing.CLIENT,
    usages: Sequence[str] = ("client auth",),
    **spec: Any,
) -> Object:
    """Return a CertificateSigningRequest called `one`; `spec` has more fields."""
    return {
        "apiVersion": CERTIFICATE_SIGNING_REQUESTS.api_version,
        "kind": CERTIFICATE_SIGNING_REQUESTS.kind,
        "metadata": {"name": "one", "creationTimestamp": "2026-01-01T00:00:00Z"},
        "spec": {"request": encoded(asked), "signerName": signer, "usages": list(usages), **spec},
    }


def decided(obj: Object, *words: str, at: str = "2026-01-01T00:00:00Z") -> Object:
    """Return the object with conditions of these types."""
    conditions = [{"type": word, "status": "True", "reason": "Test", "lastUpdateTime": at} for word in words]
    return {**obj, "status": {**(obj.get("status") or {}), "conditions": conditions}}
