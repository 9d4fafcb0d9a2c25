"""URLs: `url`, `isURL`, and their parts. Go's `url.ParseRequestURI`: they have a scheme, or are an absolute path."""

from __future__ import annotations

from typing import Any
from urllib.parse import SplitResult, parse_qs, quote, urlsplit

from wherry.cel import opaque
from wherry.cel.functions.function import Function


def _split(text: str) -> SplitResult:
    try:
        parts = urlsplit(text)
        assert parts.port is None or parts.port >= 0
    except ValueError as error:
        raise ValueError(f"URL parse error during conversion from string: {error}") from error
    if not text or any(ord(c) < 0x21 or ord(c) == 0x7F for c in text) or not (parts.scheme or text.startswith("/")):
        raise ValueError(f'URL parse error during conversion from string: parse "{text}": invalid URI for request')
    return parts


def _url(text: str) -> Any:
    _split(text)
    return opaque.wrap(opaque.URL, text)


def _is_url(text: str) -> bool:
    try:
        _split(text)
    except ValueError:
        return False
    return True


def _parts(value: Any) -> SplitResult:
    return _split(opaque.text(value, opaque.URL))


def _host(value: Any) -> str:
    return _parts(value).netloc.rpartition("@")[2]


def _hostname(value: Any) -> str:
    host = _host(value)
    return host[1:].partition("]")[0] if host.startswith("[") else host.partition(":")[0]


def _port(value: Any) -> str:
    port = _parts(value).port
    return "" if port is None else str(port)


def _path(value: Any) -> str:
    return quote(_parts(value).path, safe="/%:@!$&'()*+,;=-._~")


def _query(value: Any) -> dict[str, list[str]]:
    return parse_qs(_parts(value).query, keep_blank_values=True)


FUNCTIONS = (
    Function("url", ["string"], "URL", _url, is_member=False),
    Function("isURL", ["string"], "bool", _is_url, is_member=False),
    Function("getScheme", ["URL"], "string", lambda value: _parts(value).scheme),
    Function("getHost", ["URL"], "string", _host),
    Function("getHostname", ["URL"], "string", _hostname),
    Function("getPort", ["URL"], "string", _port),
    Function("getEscapedPath", ["URL"], "string", _path),
    Function("getQuery", ["URL"], "map(string, list(string))", _query),
)
