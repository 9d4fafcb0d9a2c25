"""Which certificate serves which host.

An Ingress that lists a rule's host under `spec.tls` gives the host TLS, with the Secret named there; one whose listed
Secrets hold a certificate for the host does too (`extractTLSSecretName` in ingress-nginx). A Secret that is missing,
broken or for another host leaves the host with TLS and the default certificate, and is reported.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from wherry.ingress.route import problem
from wherry.ingress.route.certificate import BadCertificate, Certificate, read_certificate
from wherry.ingress.route.problem import Key
from wherry.objects import Object


@dataclass(frozen=True, slots=True)
class HostTls:
    """A host has TLS: with `certificate`, or with the default one and perhaps a `trouble` (reason, message)."""

    certificate: Certificate | None = None
    trouble: tuple[str, str] | None = None


def tls_for(ingress: Object, host: str, secrets: Mapping[Key, Object]) -> HostTls | None:
    """Return what `ingress` decides for TLS of `host`, or None when it says nothing about it."""
    entries = (ingress.get("spec") or {}).get("tls") or ()
    namespace = ingress["metadata"].get("namespace", "")
    for entry in entries:
        if host in (entry.get("hosts") or ()):
            return _listed(host, namespace, entry.get("secretName") or "", secrets)
    for entry in entries:
        certificate = _quietly(secrets.get((namespace, entry.get("secretName") or "")))
        if certificate is not None and certificate.covers(host):
            return HostTls(certificate)
    return None


def _listed(host: str, namespace: str, secret_name: str, secrets: Mapping[Key, Object]) -> HostTls:
    if not secret_name:
        return HostTls()
    what = f"TLS Secret {namespace}/{secret_name}"
    secret = secrets.get((namespace, secret_name))
    if secret is None:
        return _default(f"{what} does not exist", problem.NO_SECRET)
    try:
        certificate = read_certificate(secret)
    except BadCertificate as error:
        return _default(f"{what} cannot be used: {error}")
    if not certificate.covers(host):
        return _default(f"{what} is for {', '.join(certificate.names) or 'no name'}, not for {host}")
    return HostTls(certificate)


def _default(message: str, reason: str = problem.BAD_CERTIFICATE) -> HostTls:
    return HostTls(None, (reason, f"{message}; the default certificate is served"))


def _quietly(secret: Object | None) -> Certificate | None:
    if secret is None:
        return None
    try:
        return read_certificate(secret)
    except BadCertificate:
        return None
