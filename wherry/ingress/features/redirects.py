"""Answers that lead elsewhere: to https, to another place, to the application's root."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Setting
from wherry.ingress.features.answer import Answer, Asked
from wherry.ingress.features.directive import Line, Text, block, flag, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

_ROOT: Final = re.compile(r"/[A-Za-z0-9\-._~!*(),:@%&=/?+]*", re.ASCII)


def _root(text: str) -> str:
    if len(text) > 1024 or not _ROOT.fullmatch(text):
        raise values.BadValue("expected a path such as /app")
    return text


ANNOTATIONS: Final = (
    Annotation(
        name="ssl-redirect",
        doc="Answers http with 308 to https when the host has TLS; on unless the ConfigMap or this says otherwise.",
        read=values.boolean,
        default=True,
        setting=True,
    ),
    Annotation(
        name="force-ssl-redirect",
        doc="Answers http with 308 to https, TLS of its own or not, as behind a load balancer that ends it.",
        read=values.boolean,
        default=False,
        setting=True,
    ),
    Annotation(name="app-root", risk=Risk.MEDIUM, doc="Answers / with 302 to this path.", read=_root, default=""),
    Annotation(
        name="permanent-redirect",
        risk=Risk.MEDIUM,
        doc="Answers everything with a redirect to this URL: 301, or what permanent-redirect-code says.",
        read=values.url,
        default="",
    ),
    Annotation(
        name="permanent-redirect-code",
        doc="The status of permanent-redirect, 300 to 308.",
        read=values.integer(300, 308),
        default=301,
    ),
    Annotation(
        name="temporal-redirect",
        risk=Risk.MEDIUM,
        doc="Answers everything with a redirect to this URL: 302, or what temporal-redirect-code says. It goes before "
        "permanent-redirect.",
        read=values.url,
        default="",
    ),
    Annotation(
        name="temporal-redirect-code",
        doc="The status of temporal-redirect, 300 to 308.",
        read=values.integer(300, 308),
        default=302,
    ),
    Annotation(
        name="relative-redirects",
        doc="Redirects of nginx itself name a path, no scheme and host.",
        read=values.boolean,
        default=False,
        setting=True,
    ),
    Annotation(
        name="preserve-trailing-slash",
        doc="Whether the redirect to https keeps the / at the end of the path; it is dropped unless this says so.",
        read=values.boolean,
        default=False,
    ),
    Annotation(
        name="use-port-in-redirects",
        doc="Redirects of nginx itself name the port it listens on.",
        read=values.boolean,
        default=False,
        setting=True,
    ),
)

SETTINGS: Final = (
    Setting(name="no-tls-redirect-locations", read=values.separated_paths, default=("/.well-known/acme-challenge",)),
    Setting(name="http-redirect-code", read=values.integer(300, 308), default=308),
)


@dataclass(frozen=True)
class Redirects(Part):
    """`https`: to where TLS is (`forced`: also where the host has none); `to` and `code`: to another place.

    Locations whose path begins with one of `never` are served in plain http, too: who asks for a certificate by
    ACME's HTTP-01 (RFC 8555, 8.3) has none yet.
    """

    https: bool = True
    forced: bool = False
    never: tuple[str, ...] = ()
    https_code: int = 308
    root: str = ""
    to: str = ""
    code: int = 301
    relative: bool = False
    keeps_slash: bool = False
    port: bool = False

    def http(self) -> Iterator[Line]:
        """Make the URI without the slash at its end (`lua_ingress.lua`); a lone one stays."""
        drop = line(Text("~^(?<without_slash>.+)/$"), Text("$without_slash"))
        of = (line("default", Text("$request_uri")), drop)
        yield block("map", Text("$request_uri"), Text("$slashless_uri"), of=of)

    def server(self) -> Iterator[Line]:
        """Lead from the root of the host, whoever's path that is (ingress-nginx' rule)."""
        if self.root:
            to = line("return", "302", Text(f"$client_scheme://$best_http_host{self.root}"))
            yield block("if", Text("($uri = /)"), of=(to,))

    def location(self, at: At) -> Iterator[Line]:
        """Answer with the first redirect that applies."""
        if self._leads_to_https(at):
            uri = "$request_uri" if self.keeps_slash else "$slashless_uri"
            target = line("return", str(self.https_code), Text(f"https://$host$https_port_suffix{uri}"))
            yield block("if", Text("($client_scheme = http)"), of=(target,))
        if self.relative:
            yield line("absolute_redirect", flag(False))
        if self.port:
            yield line("port_in_redirect", flag(True))
        if self.to:
            yield line("return", str(self.code), Text(self.to))

    def server_answers(self, asked: Asked) -> Iterator[Answer]:
        """Say where the root leads."""
        if self.root and asked.path == "/":
            yield Answer(302, "app-root", f"{asked.scheme}://{asked.host}{self.root}")

    def answers(self, at: At, asked: Asked) -> Iterator[Answer]:
        """Say where http leads, and everything."""
        if self._leads_to_https(at) and asked.scheme == "http":
            why = "force-ssl-redirect" if self.forced else "ssl-redirect, which is on where the host has TLS"
            uri = asked.uri if self.keeps_slash else re.sub("^(.+)/$", r"\1", asked.uri)
            yield Answer(self.https_code, why, f"https://{asked.name}{asked.secure_port}{uri}")
        if self.to:
            yield Answer(self.code, "temporal-redirect or permanent-redirect", self.to)

    def _leads_to_https(self, at: At) -> bool:
        return (self.forced or (self.https and at.tls)) and not at.path.startswith(self.never)


def of(policy: Policy, sources: Sources) -> Redirects:
    """Return the redirects."""
    temporal = policy["temporal-redirect"]
    return Redirects(
        https=policy["ssl-redirect"],
        forced=policy["force-ssl-redirect"],
        never=policy["no-tls-redirect-locations"],
        https_code=policy["http-redirect-code"],
        root=policy["app-root"],
        to=temporal or policy["permanent-redirect"],
        code=policy["temporal-redirect-code" if temporal else "permanent-redirect-code"],
        relative=policy["relative-redirects"],
        keeps_slash=policy["preserve-trailing-slash"],
        port=policy["use-port-in-redirects"],
    )
