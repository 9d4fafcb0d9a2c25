"""TLS towards endpoints: who they must be, and who we are.

Such locations have connections of their own: pooled ones are told apart by address only, so one that was not verified,
or that proves another's identity, would be used again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk
from wherry.ingress.features.basicauth import entry, own, secret_name
from wherry.ingress.features.clienttls import authorities
from wherry.ingress.features.directive import File, Line, flag, line
from wherry.ingress.features.part import At, Closed, Part, Sources
from wherry.ingress.features.policy import Policy

_PROTOCOLS: Final = ("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")

ANNOTATIONS: Final = (
    Annotation(
        name="proxy-ssl-secret",
        risk=Risk.MEDIUM,
        doc="The Secret with our certificate (tls.crt, tls.key), and whom we trust (ca.crt), of our own namespace.",
        differs="a connection for each request: one that proves who we are is nobody else's",
        read=secret_name,
        default="",
        restricts=True,
    ),
    Annotation(
        name="proxy-ssl-verify",
        doc="on: the endpoint's certificate must be of ca.crt's authorities; needs proxy-ssl-secret.",
        read=values.switch,
        default=False,
        restricts=True,
    ),
    Annotation(
        name="proxy-ssl-verify-depth",
        doc="How long its chain may be.",
        read=values.integer(0, 100),
        default=1,
        restricts=True,
    ),
    Annotation(
        name="proxy-ssl-name",
        risk=Risk.MEDIUM,
        doc="The name its certificate must be for, and that is sent as SNI.",
        read=values.pattern(r"[A-Za-z0-9\-.]{1,253}", "a host's name"),
        default="",
        restricts=True,
    ),
    Annotation(
        name="proxy-ssl-server-name", doc="Whether SNI is sent.", read=values.switch, default=False, restricts=True
    ),
    Annotation(
        name="proxy-ssl-protocols",
        doc="Versions of TLS, with blanks between.",
        read=values.words(_PROTOCOLS),
        default=(),
        restricts=True,
    ),
    Annotation(
        name="proxy-ssl-ciphers",
        risk=Risk.MEDIUM,
        doc="Ciphers as OpenSSL writes them.",
        read=values.ciphers,
        default="",
        restricts=True,
    ),
)


@dataclass(frozen=True)
class BackendTls(Part):
    """What TLS towards endpoints is to be; all text is PEM."""

    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    trusted: str = field(default="", repr=False)
    verify: bool = False
    depth: int = 1
    name: str = ""
    sni: bool = False
    protocols: tuple[str, ...] = ()
    ciphers: str = ""
    module: str = "proxy"

    def location(self, at: At) -> Iterator[Line]:
        """Say what is asked for."""
        module = self.module
        if self.certificate:
            yield line(f"{module}_ssl_certificate", File(self.certificate))
            yield line(f"{module}_ssl_certificate_key", File(self.key))
        if self.trusted:
            yield line(f"{module}_ssl_trusted_certificate", File(self.trusted))
        yield line(f"{module}_ssl_verify", flag(self.verify))
        yield line(f"{module}_ssl_verify_depth", str(self.depth))
        if self.name:
            yield line(f"{module}_ssl_name", self.name)
        yield line(f"{module}_ssl_server_name", flag(self.sni))
        if self.protocols:
            yield line(f"{module}_ssl_protocols", *self.protocols)
        if self.ciphers:
            yield line(f"{module}_ssl_ciphers", self.ciphers)


def of(policy: Policy, sources: Sources) -> BackendTls | None:
    """Return what is asked for, None for nothing; raises `Closed`."""
    if not policy.says(*(a.name for a in ANNOTATIONS)):
        return None
    certificate = key = trusted = ""
    if policy["proxy-ssl-secret"]:
        name = own(policy["proxy-ssl-secret"], sources, "proxy-ssl-secret")
        secret = sources.secret(name)
        if secret is None:
            raise Closed(f"Secret {sources.namespace}/{name} of proxy-ssl-secret does not exist", "Secret")
        data = secret.get("data") or {}
        if "tls.crt" in data or "tls.key" in data:
            certificate, key = entry(secret, "tls.crt"), entry(secret, "tls.key")
        trusted = authorities(name, sources, "proxy-ssl-secret") if "ca.crt" in data else ""
    if policy["proxy-ssl-verify"] and not trusted:
        raise Closed("proxy-ssl-verify needs a proxy-ssl-secret with ca.crt")
    return BackendTls(
        certificate,
        key,
        trusted,
        verify=policy["proxy-ssl-verify"],
        depth=policy["proxy-ssl-verify-depth"],
        name=policy["proxy-ssl-name"],
        sni=policy["proxy-ssl-server-name"],
        protocols=policy["proxy-ssl-protocols"],
        ciphers=policy["proxy-ssl-ciphers"],
        module="grpc" if policy["backend-protocol"] in ("GRPC", "GRPCS") else "proxy",
    )
