"""What an authority has said, remembered for a while: it is not asked for every request."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Setting
from wherry.ingress.features.directive import Line, Lua, Temporary, Text, flag, line
from wherry.ingress.features.part import At
from wherry.ingress.features.policy import Policy

_VARIABLES: Final = "remote_user|remote_addr|host|uri|request_uri|request_method|scheme|(http|cookie|arg)_[A-Za-z0-9_]+"
_KEY: Final = values.pattern(
    rf"([A-Za-z0-9\-._:/|,]|\$({_VARIABLES})(?![A-Za-z0-9_])){{0,256}}",
    "variables that tell about the request, such as $remote_user$http_authorization",
)
_FOR: Final = values.pattern(
    r"(([1-5][0-9]{2} )+|any )?[1-9][0-9]{0,5}(ms|s|m|h|d)?", 'statuses and how long, such as "200 202 401 5m"'
)


def _durations(text: str) -> tuple[str, ...]:
    found = tuple(_FOR(one) for one in values.separated(text))
    if not found:
        raise values.BadValue('expected statuses and how long, such as "200 202 401 5m", with commas between')
    return found


USUAL: Final = ("200 202 401 5m",)

ANNOTATIONS: Final = (
    Annotation(
        name="auth-cache-key",
        risk=Risk.HIGH,
        doc="What the authority says is remembered for requests with equal values of these variables, such as "
        "$remote_user$http_authorization, on each path by itself.",
        read=_KEY,
        default="",
    ),
    Annotation(
        name="auth-cache-duration",
        risk=Risk.MEDIUM,
        doc="How long, by the status of its answer: 200 202 401 5m, or several such with commas between.",
        read=_durations,
        default=USUAL,
        restricts=True,
    ),
)

SETTINGS: Final = (
    Setting(name="global-auth-cache-key", read=_KEY, default=""),
    Setting(name="global-auth-cache-duration", read=_durations, default=USUAL, restricts=True),
)


@dataclass(frozen=True)
class AuthCache:
    """The variables, and how long. Answers with cookies, or that ask not to be kept, are not (nginx' rule)."""

    key: str
    durations: tuple[str, ...]

    def http(self) -> Iterator[Line]:
        """Say where: in files, which nginx bounds and sweeps."""
        sizes = ("keys_zone=auth:10m", "max_size=128m", "inactive=30m", "use_temp_path=off")
        yield line("proxy_cache_path", Temporary("auth"), "levels=1:2", *sizes)

    def asking(self, at: At) -> Iterator[Line]:
        """Remember; the key is hashed, since nginx writes it into the file and it may be a password."""
        yield line("set", Text("$auth_cached_for"), Text(f"{at.id} {self.key}"))
        hashed = Lua("return ngx.encode_base64(ngx.sha1_bin(ngx.var.auth_cached_for))")
        yield Line(("set_by_lua_block", Text("$auth_cache_key"), hashed))
        yield line("proxy_buffering", flag(True))  # without it, nginx keeps nothing
        yield line("proxy_cache", "auth")
        yield line("proxy_cache_key", Text("$auth_cache_key"))
        for one in self.durations:
            yield line("proxy_cache_valid", *one.split())


def of_kind(policy: Policy, kind: str) -> AuthCache | None:
    """Return the cache for `auth` or `global-auth`, None without a key."""
    key = policy[f"{kind}-cache-key"]
    return AuthCache(key, policy[f"{kind}-cache-duration"]) if key else None
