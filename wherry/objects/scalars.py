"""Converters of the schema's scalar types: each checks one JSON value and returns it in canonical form.

Source of the messages: the Go types' own JSON parsers in k8s.io/apimachinery (Time, MicroTime, Quantity, IntOrString)
and Go's encoding/json, encoding/base64.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Callable
from typing import Any

from wherry.objects import quantity, timestamps
from wherry.objects.metadata import copy

Converter = Callable[[Any, list[str], str], Any]
"""(value, unknown fields found so far, path) -> the value in canonical form; raises `Unreadable`."""


class Unreadable(Exception):
    """A value its type's own parser refuses; the text is that parser's."""


class Mismatch(Unreadable):
    """A value of the wrong JSON type; the struct that holds it adds where."""

    def __init__(self, value: Any, go: str) -> None:
        super().__init__()
        self.value = value
        self.go = go
        self.where = ""

    def __str__(self) -> str:
        target = f"Go struct field {self.where}" if self.where else "Go value"
        return f"json: cannot unmarshal {_json_kind(self.value, self.go)} into {target} of type {self.go}"


def _json_kind(value: Any, go: str) -> str:
    if isinstance(value, str):
        return "string"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, dict):
        return "object"
    if isinstance(value, list):
        return "array"
    return f"number {value}" if go.startswith("int") else "number"


def _instance_of(kind: type) -> Callable[[str], Converter]:
    def make(go: str) -> Converter:
        def convert(value: Any, unknown: list[str], path: str) -> Any:
            if type(value) is not kind:
                raise Mismatch(value, go)
            return value

        return convert

    return make


def _integer(bits: int) -> Callable[[str], Converter]:
    limit = 1 << (bits - 1)

    def make(go: str) -> Converter:
        def convert(value: Any, unknown: list[str], path: str) -> Any:
            if type(value) is not int or not -limit <= value < limit:
                raise Mismatch(value, go)
            return value

        return convert

    return make


def _parsed(read: Callable[[Any], Any]) -> Callable[[str], Converter]:
    def make(go: str) -> Converter:
        def convert(value: Any, unknown: list[str], path: str) -> Any:
            return read(value)

        return convert

    return make


def _quantity(value: Any) -> str:
    try:
        # Anything but a string or a number fails upstream's own pattern, spelled as JSON.
        usable = isinstance(value, (str, int, float)) and not isinstance(value, bool)
        return quantity.canonical(value if usable else json.dumps(value))
    except ValueError as error:
        raise Unreadable(str(error)) from error


_WHOLE_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
_MICRO_SECONDS = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z")


def _time(value: Any) -> str:
    return _moment(value, "2006-01-02T15:04:05Z07:00", _WHOLE_SECONDS, timestamps.rfc3339)


def _micro_time(value: Any) -> str:
    return _moment(value, "2006-01-02T15:04:05.000000Z07:00", _MICRO_SECONDS, timestamps.micro)


def _moment(value: Any, layout: str, canonical: re.Pattern[str], write: Callable[[float], str]) -> str:
    if not isinstance(value, str):
        # Times are read as a bare string, outside any struct.
        raise Unreadable(str(Mismatch(value, "string")))
    try:
        seconds = timestamps.parse(value)
    except ValueError as error:
        text = f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"'
        raise Unreadable(text) from error
    return value if canonical.fullmatch(value) else write(seconds)


def _int_or_string(value: Any) -> str | int:
    if isinstance(value, str) or (type(value) is int and -(2**31) <= value < 2**31):
        return value
    raise Unreadable(str(Mismatch(value, "int32")))


def _bytes(go: str) -> Converter:
    def convert(value: Any, unknown: list[str], path: str) -> Any:
        if not isinstance(value, str):
            raise Mismatch(value, go)
        text = value.replace("\r", "").replace("\n", "")
        try:
            return base64.b64encode(binascii.a2b_base64(text.encode("ascii"), strict_mode=True)).decode()
        except (binascii.Error, UnicodeEncodeError) as error:
            good = re.match(r"(?:[A-Za-z0-9+/]{4})*", text)
            assert good is not None  # an empty match at worst
            bad = re.compile(r"[^A-Za-z0-9+/]").search(text, good.end())
            at = bad.start() if bad else len(text) - len(text) % 4
            raise Unreadable(f"illegal base64 data at input byte {at}") from error

    return convert


SCALARS: dict[str, Callable[[str], Converter]] = {
    "string": _instance_of(str),
    "bool": _instance_of(bool),
    "int32": _integer(32),
    "int64": _integer(64),
    "bytes": _bytes,
    "quantity": _parsed(_quantity),
    "time": _parsed(_time),
    "microtime": _parsed(_micro_time),
    "intorstring": _parsed(_int_or_string),
    "raw": _parsed(copy),
    "fields": _parsed(copy),
    "any": _parsed(copy),
}
"""Type expression -> Go type name -> converter."""
