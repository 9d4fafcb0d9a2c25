"""Settings that are one directive of nginx each, for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Reader, Setting
from wherry.ingress.features.directive import Line, flag, line
from wherry.ingress.features.part import Part
from wherry.ingress.features.policy import Policy


@dataclass(frozen=True, slots=True)
class _Plain:
    """A key, and the directives it becomes: one line of each for each word list of `said`."""

    setting: Setting
    directives: tuple[str, ...]
    said: Callable[[Any], list[tuple[str, ...]]]


def _one(value: Any) -> list[tuple[str, ...]]:
    return [(str(value),)] if value != "" else []


def _seconds(value: int) -> list[tuple[str, ...]]:
    return [(f"{value}s",)]


def _each(names: tuple[str, ...]) -> list[tuple[str, ...]]:
    return [(name,) for name in names]


def _plain(key: str, directive: str, read: Reader, default: Any, said: Callable[[Any], Any] = _one) -> _Plain:
    return _Plain(Setting(name=key, read=read, default=default), tuple(directive.split()), said)


def _switch(key: str, directive: str, default: bool) -> _Plain:
    return _plain(key, directive, values.boolean, default, lambda on: [(flag(on),)])


_BUFFERS: Final = values.pattern(r"[1-9][0-9]{0,3} [1-9][0-9]{0,6}[kKmM]?", 'a number and a size, such as "4 8k"')
_TYPE: Final = values.pattern(r"[a-z]+/[A-Za-z0-9\-.+]+", "a media type such as text/html")
_HASH: Final = values.integer(1, 9_999_999)
_ECDH: Final = values.pattern(r"[A-Za-z0-9\-_:]{1,256}", "names of curves with colons between them, or auto")

_TABLE: Final = (
    _plain("client-header-buffer-size", "client_header_buffer_size", values.size, "1k"),
    _plain("large-client-header-buffers", "large_client_header_buffers", _BUFFERS, "4 8k", lambda v: [v.split()]),
    _plain("client-header-timeout", "client_header_timeout", values.seconds, 60, _seconds),
    _plain("client-body-timeout", "client_body_timeout", values.seconds, 60, _seconds),
    _plain("http2-max-concurrent-streams", "http2_max_concurrent_streams", values.integer(1, 65_535), 128),
    _switch("enable-underscores-in-headers", "underscores_in_headers", False),
    _switch("ignore-invalid-headers", "ignore_invalid_headers", True),
    _switch("server-tokens", "server_tokens", False),
    _plain("default-type", "default_type", _TYPE, "text/html"),
    _plain("keep-alive", "keepalive_timeout", values.integer(0, 999_999), 75, _seconds),
    _plain("keep-alive-requests", "keepalive_requests", values.integer(1, 99_999_999), 1000),
    _plain(
        "grpc-buffer-size-kb",
        "grpc_buffer_size",
        values.integer(0, 65_535),
        0,
        lambda kilobytes: [(f"{kilobytes}k",)] if kilobytes else [],
    ),
    _plain("hide-headers", "proxy_hide_header grpc_hide_header", values.tokens, (), _each),
    _plain(
        "allow-backend-server-header",
        "proxy_pass_header grpc_pass_header",
        values.boolean,
        False,
        lambda on: [("Server",)] if on else [],
    ),
    _plain("ssl-session-timeout", "ssl_session_timeout", values.duration, "10m"),
    _switch("ssl-session-tickets", "ssl_session_tickets", False),
    _plain("ssl-buffer-size", "ssl_buffer_size", values.size, "4k"),
    _plain("ssl-ecdh-curve", "ssl_ecdh_curve", _ECDH, "auto"),
    _switch("ssl-early-data", "ssl_early_data", False),
    _plain("map-hash-bucket-size", "map_hash_bucket_size", _HASH, 128),
    _plain("variables-hash-max-size", "variables_hash_max_size", _HASH, 2048),
    _plain("variables-hash-bucket-size", "variables_hash_bucket_size", _HASH, 256),
    _plain("proxy-headers-hash-max-size", "proxy_headers_hash_max_size", _HASH, 512),
    _plain("proxy-headers-hash-bucket-size", "proxy_headers_hash_bucket_size", _HASH, 64),
    _plain("server-name-hash-bucket-size", "server_names_hash_bucket_size", _HASH, 512),
)

SETTINGS: Final = tuple(one.setting for one in _TABLE)


@dataclass(frozen=True)
class Plain(Part):
    """Directives and their words."""

    lines: tuple[tuple[str, ...], ...]

    def http(self) -> Iterator[Line]:
        """Say them."""
        return (line(*words) for words in self.lines)


def everywhere(policy: Policy) -> Plain:
    """Return the directives."""
    said = ((name, *words) for one in _TABLE for name in one.directives for words in one.said(policy[one.setting.name]))
    return Plain(tuple(said))
