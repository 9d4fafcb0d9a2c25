"""Who may come, by asking another service for every request (nginx' auth_request)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Setting
from wherry.ingress.features.answer import Answer, Asked
from wherry.ingress.features.authcache import AuthCache, of_kind
from wherry.ingress.features.customheaders import Headers, named
from wherry.ingress.features.directive import Line, Lua, Text, block, flag, line
from wherry.ingress.features.part import At, Closed, Part, Sources
from wherry.ingress.features.policy import Policy
from wherry.ingress.features.proxied import over


def _url(text: str) -> str:
    """Read a URL with a host of its own: a variable there would let the client choose whom we ask."""
    found = values.url(text)
    if not found.startswith(("http://", "https://")) or "$" in urlsplit(found).netloc or not urlsplit(found).hostname:
        raise values.BadValue("expected a URL such as http://auth.example.com/check")
    return found


_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

ANNOTATIONS: Final = (
    Annotation(
        name="auth-url",
        risk=Risk.HIGH,
        doc="Each request is let in when this URL answers 2xx; 401 and 403 are passed on, all else is 500.",
        read=_url,
        default="",
        restricts=True,
    ),
    Annotation(
        name="auth-method",
        doc="The method the authority is asked with.",
        read=values.one_of(*_METHODS),
        default="",
        restricts=True,
    ),
    Annotation(
        name="auth-signin",
        risk=Risk.HIGH,
        doc="Where a 401 of the authority leads to (302), with the place asked for in the parameter rd.",
        read=values.url,
        default="",
        restricts=True,
    ),
    Annotation(
        name="auth-signin-redirect-param",
        risk=Risk.MEDIUM,
        doc="The name of that parameter.",
        read=values.token,
        default="rd",
        restricts=True,
    ),
    Annotation(
        name="auth-response-headers",
        risk=Risk.MEDIUM,
        doc="Headers of the authority's answer that the endpoint gets, with commas between.",
        read=values.tokens,
        default=(),
        restricts=True,
    ),
    Annotation(
        name="auth-request-redirect",
        risk=Risk.MEDIUM,
        doc="What the authority is told as X-Auth-Request-Redirect.",
        read=values.url,
        default="",
        restricts=True,
    ),
    Annotation(
        name="auth-always-set-cookie",
        doc="Cookies of the authority are set in answers of any status.",
        read=values.boolean,
        default=False,
    ),
    Annotation(
        name="auth-proxy-set-headers",
        risk=Risk.MEDIUM,
        doc="A ConfigMap of the Ingress' own namespace whose entries are headers that the authority is sent.",
        read=values.pattern(r"[a-z0-9\-./]{1,507}", "the name of a ConfigMap"),
        default="",
        restricts=True,
    ),
    Annotation(
        name="enable-global-auth",
        doc="Whether the ConfigMap's global-auth-url holds for this Ingress.",
        read=values.boolean,
        default=True,
        restricts=True,
    ),
)

SETTINGS: Final = (
    Setting(name="global-auth-url", read=_url, default="", restricts=True),
    Setting(name="global-auth-method", read=values.one_of(*_METHODS), default="", restricts=True),
    Setting(name="global-auth-signin", read=values.url, default="", restricts=True),
    Setting(name="global-auth-signin-redirect-param", read=values.token, default="rd", restricts=True),
    Setting(name="global-auth-response-headers", read=values.tokens, default=(), restricts=True),
    Setting(name="global-auth-request-redirect", read=values.url, default="", restricts=True),
    Setting(name="global-auth-always-set-cookie", read=values.boolean, default=False),
    Setting(name="no-auth-locations", read=values.separated_paths, default=("/.well-known/acme-challenge",)),
)


@dataclass(frozen=True)
class ExternalAuth(Part):
    """Whom to ask, how, and what to do with the answer. Locations whose path begins with one of `never` do not ask."""

    url: str
    method: str = ""
    signin: str = ""
    parameter: str = "rd"
    passed_on: tuple[str, ...] = ()
    redirect: str = ""
    always_cookie: bool = False
    never: tuple[str, ...] = ()
    told: Headers = ()
    """Further headers the authority gets."""
    cache: AuthCache | None = None

    def http(self) -> Iterable[Line]:
        """Say where answers are remembered."""
        return self.cache.http() if self.cache else ()

    def location(self, at: At) -> Iterator[Line]:
        """Ask before anything else is done."""
        if at.path.startswith(self.never):
            return
        yield line("auth_request", f"/_auth-{at.id}")
        yield line("auth_request_set", Text("$auth_cookie"), Text("$upstream_http_set_cookie"))
        yield line("add_header", "Set-Cookie", Text("$auth_cookie"), *(["always"] if self.always_cookie else []))
        for number, name in enumerate(self.passed_on):
            heard = Text(f"$upstream_http_{name.lower().replace('-', '_')}")
            yield line("auth_request_set", Text(f"$auth_header_{number}"), heard)
        if self.signin:
            yield line("error_page", "401", "=", f"@signin-{at.id}")

    def refusals(self, at: At, asked: Asked) -> Iterator[Answer]:
        """Say who is refused, or led to the sign-in."""
        if not at.path.startswith(self.never):
            status = 302 if self.signin else 401
            yield Answer(status, "auth-url", self.signin, f"{self.url} does not answer 2xx for it")

    def headers(self) -> Mapping[str, Text]:
        """Pass on what the authority said; it cannot be said by the client."""
        return {name: Text(f"$auth_header_{number}") for number, name in enumerate(self.passed_on)}

    def beside(self, at: At) -> Iterator[Line]:
        """Return the location that asks, and the one that leads to the sign-in."""
        if at.path.startswith(self.never):
            return
        yield block("location", "=", f"/_auth-{at.id}", of=tuple(self._asking(at)))
        if self.signin:
            target = Lua("return ngx.escape_uri(ngx.var.request_uri)")
            lines = (
                line("internal"),
                line("add_header", "Set-Cookie", Text("$auth_cookie")),
                Line(("set_by_lua_block", Text("$escaped_request_uri"), target)),
                line("return", "302", Text(self._signin())),
            )
            yield block("location", f"@signin-{at.id}", of=lines)

    def _asking(self, at: At) -> Iterator[Line]:
        yield line("internal")
        if self.cache:
            yield from self.cache.asking(at)
        yield line("access_log", "off")
        yield line("proxy_pass_request_body", flag(False))
        headers = {
            "Content-Length": "",
            "X-Forwarded-Proto": "",
            "X-Request-ID": "$req_id",
            "Host": urlsplit(self.url).netloc,
            "X-Original-URL": "$client_scheme://$best_http_host$request_uri",
            "X-Original-Method": "$request_method",
            "X-Sent-From": "nginx-ingress-controller",
            "X-Real-IP": "$remote_addr",
            "X-Forwarded-For": "$remote_addr",
            "X-Auth-Request-Redirect": self.redirect or "$request_uri",
            "Connection": "",
        }
        more = {name: Text(value) for name, value in self.told}
        for name, value in over({name: Text(value) for name, value in headers.items()}, more).items():
            yield line("proxy_set_header", name, value)
        if self.method:
            yield line("proxy_method", self.method)
        yield line("proxy_ssl_server_name", flag(True))
        yield line("set", Text("$auth_target"), Text(self.url if urlsplit(self.url).path else f"{self.url}/"))
        yield line("proxy_pass", Text("$auth_target"))

    def _signin(self) -> str:
        """Return the URL with the place asked for in its parameter, unless that is there (`buildAuthSignURL`)."""
        if f"{self.parameter}=" in self.signin:
            return self.signin
        sign = "&" if "?" in self.signin else "?"
        return f"{self.signin}{sign}{self.parameter}=$client_scheme://$best_http_host$escaped_request_uri"


def of(policy: Policy, sources: Sources) -> ExternalAuth | None:
    """Return whom to ask, None for nobody; raises `Closed`."""
    if policy["auth-url"]:
        told = policy["auth-proxy-set-headers"]
        return _made(policy, "auth", named(told, sources, "auth-proxy-set-headers") if told else ())
    if policy.says("auth-signin", "auth-method", "auth-response-headers") and not policy["global-auth-url"]:
        raise Closed("auth-signin, auth-method and auth-response-headers need auth-url")
    if policy["global-auth-url"] and policy["enable-global-auth"]:
        return _made(policy, "global-auth")
    return None


def _made(policy: Policy, kind: str, told: Headers = ()) -> ExternalAuth:
    return ExternalAuth(
        url=policy[f"{kind}-url"],
        method=policy[f"{kind}-method"],
        signin=policy[f"{kind}-signin"],
        parameter=policy[f"{kind}-signin-redirect-param"],
        passed_on=policy[f"{kind}-response-headers"],
        redirect=policy[f"{kind}-request-redirect"],
        always_cookie=policy[f"{kind}-always-set-cookie"],
        cache=of_kind(policy, kind),
        never=policy["no-auth-locations"],
        told=told,
    )
