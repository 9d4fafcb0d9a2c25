"""Who may come, by a certificate of their own (mutual TLS)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Scope
from wherry.ingress.features.answer import Answer, Asked
from wherry.ingress.features.basicauth import entry, own, secret_name
from wherry.ingress.features.directive import File, Line, Text, block, line
from wherry.ingress.features.part import At, Closed, HostClosed, Part, Sources
from wherry.ingress.features.policy import Policy

ANNOTATIONS: Final = (
    Annotation(
        name="auth-tls-secret",
        scope=Scope.HOST,
        risk=Risk.MEDIUM,
        doc="The Secret whose ca.crt signs the certificates clients must have, of the Ingress' own namespace.",
        read=secret_name,
        default="",
        restricts=True,
    ),
    Annotation(
        name="auth-tls-verify-client",
        scope=Scope.HOST,
        doc="on, optional, optional_no_ca, or off.",
        read=values.one_of("on", "off", "optional", "optional_no_ca"),
        default="on",
        restricts=True,
    ),
    Annotation(
        name="auth-tls-verify-depth",
        scope=Scope.HOST,
        doc="How long a chain may be.",
        read=values.integer(0, 100),
        default=1,
        restricts=True,
    ),
    Annotation(
        name="auth-tls-error-page",
        scope=Scope.HOST,
        risk=Risk.HIGH,
        doc="Where those without a good certificate are led to.",
        read=values.url,
        default="",
        restricts=True,
    ),
    Annotation(
        name="auth-tls-pass-certificate-to-upstream",
        doc="The endpoint gets the certificate in the header ssl-client-cert.",
        read=values.boolean,
        default=False,
        restricts=True,
    ),
    Annotation(
        name="auth-tls-match-cn",
        risk=Risk.HIGH,
        doc="A pattern for the certificate's subject, such as CN=(alice|bob); 403 for others.",
        read=values.pattern(r"CN=[A-Za-z0-9\-._~ @*+?()|\[\]^]{1,256}", "CN= and a pattern without quotes"),
        default="",
        restricts=True,
    ),
)


@dataclass(frozen=True)
class ClientTls(Part):
    """The authorities (PEM), how strict, and what the endpoint is told."""

    host_wide = True

    authorities: str = field(repr=False)
    verify: str = "on"
    depth: int = 1
    error_page: str = ""

    def server(self) -> Iterator[Line]:
        """Ask for the certificate in the handshake."""
        yield line("ssl_client_certificate", File(self.authorities))
        yield line("ssl_verify_client", self.verify)
        yield line("ssl_verify_depth", str(self.depth))
        if self.error_page:
            yield line("error_page", "495", "496", "=", Text(self.error_page))


@dataclass(frozen=True)
class ClientCertificate(Part):
    """What a location makes of the certificate. `strict`: nobody comes without, not by plain http either."""

    strict: bool = True
    common_name: str = ""
    passed_on: bool = False

    def http(self) -> Iterator[Line]:
        """Compare the name."""
        if self.common_name:
            of = (line("default", "0"), line(f"~{self.common_name}", "1"))
            yield block("map", Text("$ssl_client_s_dn"), Text(self._variable), of=of)

    def location(self, at: At) -> Iterator[Line]:
        """Refuse; nginx itself has refused what came by https."""
        if self.strict:
            yield block("if", Text("($ssl_client_verify != SUCCESS)"), of=(line("return", "403"),))
        if self.common_name:
            yield block("if", Text(f"({self._variable} = 0)"), of=(line("return", "403"),))

    def answers(self, at: At, asked: Asked) -> Iterator[Answer]:
        """Say who is refused: 400 by nginx itself in https, in http nobody can have a certificate."""
        if self.strict and asked.scheme == "http":
            yield Answer(403, "auth-tls-secret: it takes https and a certificate of the client's own")
        elif self.strict:
            yield Answer(400, "auth-tls-secret", when="the client has no certificate of those authorities")
        if self.common_name:
            yield Answer(403, "auth-tls-match-cn", when=f"its certificate's subject does not match {self.common_name}")

    def headers(self) -> Mapping[str, Text]:
        """Tell the endpoint; a client cannot say it."""
        return {
            "ssl-client-verify": Text("$ssl_client_verify"),
            "ssl-client-subject-dn": Text("$ssl_client_s_dn"),
            "ssl-client-issuer-dn": Text("$ssl_client_i_dn"),
            "ssl-client-cert": Text("$ssl_client_escaped_cert" if self.passed_on else ""),
        }

    @property
    def _variable(self) -> str:
        return "$common_name_" + hashlib.blake2s(self.common_name.encode(), digest_size=4).hexdigest()


def of(policy: Policy, sources: Sources) -> tuple[Part, ...] | None:
    """Return what is asked for, None for nothing; raises `HostClosed`."""
    if not policy["auth-tls-secret"]:
        if policy.says("auth-tls-verify-client", "auth-tls-match-cn") and policy["auth-tls-verify-client"] != "off":
            raise HostClosed("auth-tls-verify-client and auth-tls-match-cn need auth-tls-secret")
        return None
    verify = policy["auth-tls-verify-client"]
    host = ClientTls(
        _authorities(policy, sources), verify, policy["auth-tls-verify-depth"], policy["auth-tls-error-page"]
    )
    passed_on = policy["auth-tls-pass-certificate-to-upstream"]
    return host, ClientCertificate(verify == "on", policy["auth-tls-match-cn"], passed_on)


def _authorities(policy: Policy, sources: Sources) -> str:
    try:
        name = own(policy["auth-tls-secret"], sources, "auth-tls-secret")
        return authorities(name, sources, "auth-tls-secret")
    except Closed as error:
        raise HostClosed(str(error), error.missing) from error


def authorities(name: str, sources: Sources, annotation: str) -> str:
    """Return the certificates of a Secret's ca.crt, written anew as PEM; raises `Closed`."""
    from cryptography import x509  # here, since most controllers never need it
    from cryptography.hazmat.primitives.serialization import Encoding

    secret = sources.secret(name)
    if secret is None:
        raise Closed(f"Secret {sources.namespace}/{name} of {annotation} does not exist", "Secret")
    try:
        found = x509.load_pem_x509_certificates(entry(secret, "ca.crt").encode())
    except ValueError as error:
        raise Closed(f"Secret {sources.namespace}/{name} of {annotation} has no PEM certificate in ca.crt") from error
    return "".join(one.public_bytes(Encoding.PEM).decode() for one in found)
