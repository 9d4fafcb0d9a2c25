"""Answers another Service gives: in the place of errors (`custom-http-errors`), and where a Service has no endpoints.

The location that asks for an authority's word is not one of those: an error page with 200 would let everybody in
(CVE-2026-24513).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features import forwarded, proxied
from wherry.ingress.features.annotation import Annotation, Risk
from wherry.ingress.features.directive import Line, Text, block, flag, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy
from wherry.objects import names

NO_ENDPOINTS: Final = 503


def _codes(text: str) -> tuple[int, ...]:
    found = values.separated(text)
    if not all(code.isascii() and code.isdecimal() and 300 <= int(code) <= 599 and code != "499" for code in found):
        raise values.BadValue("expected statuses from 300 to 599, but for 499, with commas between")
    return tuple(sorted(set(map(int, found))))


def _service(text: str) -> str:
    if names.dns_label(text):
        raise values.BadValue("expected the name of a Service of the Ingress' own namespace")
    return text


ANNOTATIONS: Final = (
    Annotation(
        name="custom-http-errors",
        doc="Answers with these statuses, with commas between, are replaced by those of default-backend, which is told "
        "why in X-Code, X-Format, X-Original-URI, X-Namespace, X-Ingress-Name, X-Service-Name and X-Service-Port.",
        read=_codes,
        default=(),
        setting=True,
    ),
    Annotation(
        name="default-backend",
        risk=Risk.MEDIUM,
        doc="The Service, of the Ingress' own namespace, that answers where the rule's has no endpoints, and for "
        "custom-http-errors; its first port. Without it, --default-backend-service does the latter.",
        read=_service,
        default="",
    ),
    Annotation(
        name="disable-proxy-intercept-errors",
        doc="Only errors of nginx itself are replaced, those of endpoints go to the client.",
        read=values.boolean,
        default=False,
        setting=True,
    ),
)


@dataclass(frozen=True)
class Errors(Part):
    """Statuses and who answers in their place: (namespace, Service, port), or nginx' own 404. `common`: headers that
    everybody's endpoints get.
    """

    codes: tuple[int, ...]
    backend: tuple[str, str, str] | None
    instead: bool = False
    intercepts: bool = True
    grpc: bool = False
    common: tuple[tuple[str, Text], ...] = ()

    def location(self, at: At) -> Iterator[Line]:
        """Say which errors are replaced."""
        if self.codes and self.intercepts:
            yield line("grpc_intercept_errors" if self.grpc else "proxy_intercept_errors", flag(True))
        for code in self.codes:
            yield line("error_page", str(code), "=", _name(at, code))
        if self.instead:
            yield line("set", Text("$instead"), _name(at, NO_ENDPOINTS))

    def beside(self, at: At) -> Iterator[Line]:
        """Return a location for each: nginx does not tell them which error led there."""
        for code in sorted({*self.codes, *([NO_ENDPOINTS] if self.instead else [])}):
            yield block("location", _name(at, code), of=tuple(self._answering(at, code)))

    def backends(self) -> Iterable[tuple[str, str, str]]:
        """Return who answers."""
        return (self.backend,) if self.backend else ()

    def _answering(self, at: At, code: int) -> Iterator[Line]:
        if self.backend is None:
            yield line("return", "404")
            return
        yield line("set", Text("$policy"), "")
        yield line("set", Text("$instead"), "")
        yield line("set", Text("$proxy_upstream_name"), "/".join(self.backend))
        told = {
            "X-Code": str(code),
            "X-Format": "$http_accept",
            "X-Original-URI": "$request_uri",
            "X-Namespace": "$namespace",
            "X-Ingress-Name": "$ingress_name",
            "X-Service-Name": "$service_name",
            "X-Service-Port": at.port,
            "Content-Length": "",
        }
        headers = {**dict(self.common), **{name: Text(value) for name, value in told.items()}}
        yield from proxied.own(headers, grpc=False)
        # The body may be thrown away by now (413), whatever its length says: who waits for it waits in vain.
        yield line("proxy_pass_request_body", flag(False))
        yield line("rewrite", ".*", "/", "break")
        yield line("proxy_pass", "http://wherry_http")


def _name(at: At, code: int) -> str:
    return f"@error-{at.id}-{code}"


def of(policy: Policy, sources: Sources) -> Errors | None:
    """Return what is replaced, None for nothing."""
    codes, own = policy["custom-http-errors"], policy["default-backend"]
    if not codes and not own:
        return None
    common = forwarded.everywhere(policy).headers()
    return Errors(
        codes=codes,
        backend=(sources.namespace, own, "") if own else sources.default_backend,
        instead=bool(own),
        intercepts=not policy["disable-proxy-intercept-errors"],
        grpc=policy["backend-protocol"] in ("GRPC", "GRPCS"),
        common=tuple((name, Text(value)) for name, value in common.items()),
    )
