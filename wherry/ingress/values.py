"""The forms a user-given value may have: every annotation and every ConfigMap option is read by one of these.

Each reader takes the text and returns a typed value, or raises `BadValue` saying what was expected. The forms are
closed sets: what they let through cannot end a string, a directive or a line of nginx.conf.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable, Sequence
from ipaddress import ip_network
from typing import Final

_TRUE: Final = frozenset(("1", "t", "T", "true", "TRUE", "True"))
_FALSE: Final = frozenset(("0", "f", "F", "false", "FALSE", "False"))

_SIZE: Final = re.compile(r"[0-9]{1,9}[kKmMgG]?", re.ASCII)
_DURATION: Final = re.compile(r"[1-9][0-9]{0,5}(ms|s|m|h|d)?", re.ASCII)


class BadValue(ValueError):
    """The text is not of the form asked for; the message says what is."""


def boolean(text: str) -> bool:
    """Read a boolean in the spellings Go's `strconv.ParseBool` takes, as upstream does."""
    if text in _TRUE:
        return True
    if text in _FALSE:
        return False
    raise BadValue('expected "true" or "false"')


def integer(low: int, high: int) -> Callable[[str], int]:
    """Return a reader of whole numbers from `low` to `high`."""

    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9]{1,12}", text, re.ASCII) or not low <= int(text) <= high:
            raise BadValue(f"expected a whole number from {low} to {high}")
        return int(text)

    return read


seconds = integer(1, 999_999)
"""Read a number of seconds, without a unit."""


def size(text: str) -> str:
    """Read a size as nginx writes it: bytes, or with k, m or g; 0 means no limit."""
    if not _SIZE.fullmatch(text):
        raise BadValue('expected a size such as "8m": digits, then k, m, g or nothing')
    return text


def duration(text: str) -> str:
    """Read a duration as nginx writes it: a number with ms, s, m, h, d, or nothing for seconds."""
    if not _DURATION.fullmatch(text):
        raise BadValue('expected a duration such as "240s"')
    return text


def one_of(*choices: str) -> Callable[[str], str]:
    """Return a reader of one word among `choices`, compared as written."""

    def read(text: str) -> str:
        if text not in choices:
            raise BadValue(f"expected one of {', '.join(choices)}")
        return text

    return read


def words(allowed: Sequence[str]) -> Callable[[str], tuple[str, ...]]:
    """Return a reader of one or more words among `allowed`, separated by blanks."""

    def read(text: str) -> tuple[str, ...]:
        found = tuple(text.split())
        if not found or not set(found) <= set(allowed):
            raise BadValue(f"expected words among {', '.join(allowed)}")
        return found

    return read


def switch(text: str) -> bool:
    """Read `on` or `off`, as nginx writes booleans, or as Go does."""
    return text == "on" if text in ("on", "off") else boolean(text)


_PATHS: Final = re.compile(r"/[A-Za-z0-9\-._~/]*", re.ASCII)


def separated(text: str) -> tuple[str, ...]:
    """Return the parts of a list with commas, without blanks around them and without empty ones."""
    return tuple(part.strip() for part in text.split(",") if part.strip())


def separated_paths(text: str) -> tuple[str, ...]:
    """Read paths with commas between them."""
    return _each(_PATHS, "a path such as /x", separated(text))


def networks(text: str) -> tuple[str, ...]:
    """Read addresses and networks (CIDR) with commas between them; returns them as nginx takes them."""
    found = []
    for part in separated(text):
        try:
            found.append(str(ip_network(part, strict=False)))
        except ValueError as error:
            raise BadValue(f"expected addresses or networks such as 10.0.0.0/8, got {part!r}") from error
    return tuple(found)


_VARIABLES: Final = (
    "host|request_uri|uri|scheme|args|query_string|server_name|http_host|is_args|best_http_host|escaped_request_uri|"
    "request_method|remote_addr|arg_[a-z0-9_]+"
)
_URL: Final = re.compile(
    rf"(https?://|\$scheme://|/)([A-Za-z0-9\-._~!*'(),:@%&=/?#+\[\]]|\$({_VARIABLES})(?![a-z0-9_]))*", re.ASCII
)
"""A URL in which nginx may find these variables. No quote, brace, semicolon, blank or backslash (CVE-2023-5044)."""


def url(text: str) -> str:
    """Read a URL, or a path, with variables of nginx that tell about the request."""
    if len(text) > 2048 or "'" in text or not _URL.fullmatch(text):
        raise BadValue("expected a URL such as https://example.com$request_uri")
    return text


_TOKEN: Final = re.compile(r"[A-Za-z0-9!#%&*+\-.^_`|~]{1,128}", re.ASCII)


def token(text: str) -> str:
    """Read a header's or cookie's name (RFC 9110, 5.6.2), without `$` and quotes, which are nginx' own."""
    return _whole(_TOKEN, "a name made of letters, digits, - and _", text)


def tokens(text: str) -> tuple[str, ...]:
    """Read names of headers or methods with commas between them."""
    return _each(_TOKEN, "a name made of letters, digits, - and _", separated(text))


_PLAIN: Final = re.compile(r"[A-Za-z0-9 \-._~:/?#@!&'()*+,;=%<>|\[\]^]{0,1024}", re.ASCII)


def plain(text: str) -> str:
    """Read text without quotes, backslashes, `$`, braces and control characters."""
    return _whole(_PLAIN, "plain text without quotes, $ and braces", text)


_HOST: Final = re.compile(r"[A-Za-z0-9\-._:\[\]]{1,255}", re.ASCII)


def host(text: str) -> str:
    """Read a host's name or address, perhaps with a port."""
    return _whole(_HOST, "a host such as example.com", text)


def pattern(form: str, what: str) -> Callable[[str], str]:
    """Return a reader of text that matches all of `form`; `what` says which form was expected."""
    compiled = re.compile(form, re.ASCII)
    return lambda text: _whole(compiled, what, text)


def _whole(form: re.Pattern[str], what: str, text: str) -> str:
    if not form.fullmatch(text):
        raise BadValue(f"expected {what}")
    return text


def _each(form: re.Pattern[str], what: str, parts: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(_whole(form, what, part) for part in parts)


_BLOCKED: Final = re.compile(r"(~\*?)?[A-Za-z0-9 \-._~:/?@!&()*+=%<>|\[\]^]{1,256}", re.ASCII)


def patterns(text: str) -> tuple[str, ...]:
    """Read texts with commas between them; `~` or `~*` before one makes it a regular expression (nginx' `map`)."""
    found = _each(_BLOCKED, "texts, or patterns after ~ or ~*", separated(text))
    for one in found:
        if one.startswith("~") and (wrong := regex_error(one.lstrip("~*"))):
            raise BadValue(f"{one!r} is not a regular expression: {wrong}")
    return found


def regex_error(pattern: str) -> str:
    """Return what is wrong with a regular expression as Python reads it, "" if it is one."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        return str(error)
    return ""


def map_key(word: str) -> str:
    """Return a pattern or text as `map` takes it: text with a backslash first, or `include` would be a directive."""
    return word if word.startswith("~") else f"\\{word}"


ciphers = pattern(r"[A-Za-z0-9\-+!:@_=]{1,2048}", "names of ciphers with colons between them")
"""Read ciphers as OpenSSL writes them."""

header = pattern(r"[A-Za-z0-9\-]{1,128}", "a header's name, made of letters, digits and -")
"""Read a header's name of which nginx has a variable."""
