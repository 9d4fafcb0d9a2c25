"""The formats of strings that are checked; any other is only a hint.

Source: apiextensions-apiserver pkg/apiserver/validation/formats.go, kube-openapi pkg/validation/strfmt.
"""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from collections.abc import Callable, Mapping
from datetime import date
from urllib.parse import urlsplit

from wherry.objects import names

_HEX = "[0-9a-f]"
_DURATION = re.compile(r"[+-]?(?:0|(?:(?:\d++\.?\d*+|\.\d++)(?:ns|us|µs|μs|ms|s|m|h))+)")
_LONG_DURATION = re.compile(
    r"(?:\d+\s*(?:ns|nano|nanos|nanosecond|nanoseconds|us|µs|micro|micros|microsecond|microseconds|ms|milli|millis|"
    r"millisecond|milliseconds|s|sec|secs|second|seconds|m|min|mins|minute|minutes|h|hr|hrs|hour|hours|d|day|days|w|"
    r"wk|wks|week|weeks)\s*)+"
)


def _pattern(text: str, flags: int = 0) -> Callable[[str], bool]:
    compiled = re.compile(text, flags)
    return lambda value: compiled.fullmatch(value) is not None


def _uuid(third: str, fourth: str) -> Callable[[str], bool]:
    return _pattern(f"{_HEX}{{8}}-?{_HEX}{{4}}-?{third}-?{fourth}-?{_HEX}{{12}}", re.IGNORECASE)


def _accepts(parse: Callable[[str], object]) -> Callable[[str], bool]:
    def check(value: str) -> bool:
        try:
            parse(value)
        except ValueError:
            return False
        return True

    return check


def _cidr(value: str) -> bool:
    return "/" in value and _accepts(lambda text: ipaddress.ip_network(text, strict=False))(value)


def _uri(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return value.startswith("/") or bool(parts.scheme and " " not in value)


def _base64(value: str) -> bool:
    try:
        base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return True


def _isbn(value: str) -> bool:
    return _isbn10(value) or _isbn13(value)


def _isbn10(value: str) -> bool:
    digits = re.sub(r"[\s-]", "", value)
    if not re.fullmatch(r"\d{9}[\dX]", digits):
        return False
    return sum((i + 1) * (10 if d == "X" else int(d)) for i, d in enumerate(digits)) % 11 == 0


def _isbn13(value: str) -> bool:
    digits = re.sub(r"[\s-]", "", value)
    if not re.fullmatch(r"\d{13}", digits):
        return False
    return sum(int(d) * (3 if i % 2 else 1) for i, d in enumerate(digits)) % 10 == 0


def _credit_card(value: str) -> bool:
    digits = re.sub(r"\D", "", value)
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [int(d) * 2 if i % 2 else int(d) for i, d in enumerate(reversed(digits))]
    return sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _duration(value: str) -> bool:
    return bool(_DURATION.fullmatch(value) or _LONG_DURATION.fullmatch(value.strip().lower()))


def _date(value: str) -> bool:
    return bool(re.fullmatch(r"\d{4}-\d\d-\d\d", value)) and _accepts(date.fromisoformat)(value)


def _date_time(value: str) -> bool:
    match = re.fullmatch(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d):(\d\d):(\d\d)(?:\.\d+)?(?:[Zz]|[+-]\d\d(?::?\d\d)?)", value)
    return match is not None and _date(match[1]) and int(match[2]) < 24 and int(match[3]) < 60 and int(match[4]) <= 60


FORMATS: Mapping[str, Callable[[str], bool]] = {
    "bsonobjectid": _pattern("[0-9a-fA-F]{24}"),
    "uri": _uri,
    "email": _pattern(r"(?:.*<)?[^\s@<>,]+@[^\s@<>,]+>?"),
    "hostname": _pattern(
        r"(?=.{1,255}$)[a-zA-Z0-9\u0080-\uffff](?:[-a-zA-Z0-9.\u0080-\uffff]*[a-zA-Z0-9\u0080-\uffff])?\.?"
    ),
    "ipv4": _accepts(ipaddress.IPv4Address),
    "ipv6": _accepts(ipaddress.IPv6Address),
    "cidr": _cidr,
    "mac": _pattern(r"[0-9a-fA-F]{2}(?:([:-])[0-9a-fA-F]{2}(?:\1[0-9a-fA-F]{2}){4}|(?:\.?[0-9a-fA-F]{2}){5})"),
    "uuid": _uuid(f"{_HEX}{{4}}", f"{_HEX}{{4}}"),
    "uuid3": _uuid(f"3{_HEX}{{3}}", f"{_HEX}{{4}}"),
    "uuid4": _uuid(f"4{_HEX}{{3}}", f"[89ab]{_HEX}{{3}}"),
    "uuid5": _uuid(f"5{_HEX}{{3}}", f"[89ab]{_HEX}{{3}}"),
    "isbn": _isbn,
    "isbn10": _isbn10,
    "isbn13": _isbn13,
    "creditcard": _credit_card,
    "ssn": _pattern(r"\d{3}[- ]?\d{2}[- ]?\d{4}"),
    "hexcolor": _pattern("#?(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})"),
    "rgbcolor": _pattern(r"rgb\(\s*\d{1,3}\s*,\s*\d{1,3}\s*,\s*\d{1,3}\s*\)"),
    "byte": _base64,
    "password": lambda value: True,
    "date": _date,
    "duration": _duration,
    "datetime": _date_time,
    "k8sshortname": lambda value: not names.dns_label(value),
    "k8slongname": lambda value: not names.dns_subdomain(value),
}
"""Format, without its dashes -> does a text have it?"""

_OF_NUMBERS = {"integer": ("int32", "int64"), "number": ("float", "double")}


def known(format: str, type: str) -> bool:
    """Return whether a format is checked for values of a type ("" for any)."""
    if type in ("", "string"):
        return format.replace("-", "") in FORMATS
    return format in _OF_NUMBERS.get(type, ())


def matches(format: str, value: str) -> bool:
    """Return whether a text has a known format."""
    return FORMATS[format.replace("-", "")](value)
