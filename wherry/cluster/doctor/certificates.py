"""The certificate authority, what it signed, and the key that signs service accounts' tokens."""

from __future__ import annotations

import datetime
from collections.abc import Iterator

from cryptography.exceptions import InvalidSignature
from cryptography.x509 import Certificate

from wherry.cluster import certificates
from wherry.cluster.doctor.finding import Finding
from wherry.cluster.paths import Paths

SOON = datetime.timedelta(days=30)
_RENEWED = "`wherry up` makes a new one"


def examine(paths: Paths, now: datetime.datetime) -> Iterator[Finding]:
    """Yield what is found of every certificate and key."""
    pki = paths.pki
    if not pki.is_dir():
        yield Finding("certificates", said=f"none in {pki}: `wherry up` makes them")
        return
    try:
        authority, _ = certificates.pair(pki, certificates.CA)
    except ValueError as error:
        advice = f"move {pki} away and `wherry up` makes a new one; kubeconfigs that were copied know only the old one"
        yield Finding("certificate authority", str(error), advice)
        return
    yield _dated("certificate authority", authority, now, f"move {pki} away and {_RENEWED}")
    for file in sorted(pki.glob("*.crt")):
        if file.stem not in (certificates.CA, certificates.FRONT_PROXY_CA, certificates.FRONT_PROXY):
            yield _leaf(file.stem, paths, authority, now)
    yield from _front_proxy(paths, now)
    try:
        certificates.private_key(pki / "sa.key")
    except ValueError as error:
        yield Finding("signing key", str(error), f"remove it and {_RENEWED}; tokens signed so far end")


def _front_proxy(paths: Paths, now: datetime.datetime) -> Iterator[Finding]:
    """Yield what is found of the certificates by which servers of other APIs know the API server."""
    name = certificates.FRONT_PROXY_CA
    try:
        authority, _ = certificates.pair(paths.pki, name)
    except ValueError as error:
        yield Finding("front-proxy authority", str(error), f"remove {paths.pki / name}.key and {_RENEWED}")
        return
    yield _dated("front-proxy authority", authority, now, f"remove {paths.pki / name}.key and {_RENEWED}")
    yield _leaf(certificates.FRONT_PROXY, paths, authority, now)


def _leaf(name: str, paths: Paths, authority: Certificate, now: datetime.datetime) -> Finding:
    subject = f"certificate {name}"
    try:
        certificate, _ = certificates.pair(paths.pki, name)
        certificate.verify_directly_issued_by(authority)
    except ValueError as error:
        return Finding(subject, str(error), _RENEWED)
    except InvalidSignature:
        return Finding(subject, f"{paths.pki / name}.crt: signed by another authority", _RENEWED)
    return _dated(subject, certificate, now, f"remove {paths.pki / name}.crt and {_RENEWED}")


def _dated(subject: str, certificate: Certificate, now: datetime.datetime, advice: str) -> Finding:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begin:
        return Finding(
            subject, f"valid from {begin:%Y-%m-%d} on only", "see whether the clock of this machine is right"
        )
    if now + SOON > end:
        return Finding(subject, f"it ends on {end:%Y-%m-%d}", advice)
    return Finding(subject, said=f"good until {end:%Y-%m-%d}")
