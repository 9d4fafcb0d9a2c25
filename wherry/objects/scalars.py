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
    """A value of the wrong JSON type; the structs around it add where: the innermost's name, and the path to it."""

    def __init__(self, value: Any, go: str) -> None:
        super().__init__()
        self.value = value
        self.go = go
        self.struct = ""
        self.path = ""

    def within(self, struct: str, field: str) -> None:
        """Note that the value is in `field` of `struct`; called from the inside out."""
        self.struct = self.struct or struct
        self.path = f"{field}.{self.path}" if self.path else field

    def __str__(self) -> str:
        what = _json_kind(self.value, self.go)
        place = f"struct field {self.struct}.{self.path}" if self.struct else "value"
        return f"json: cannot unmarshal {what} into Go {place} of type {self.go}"


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


def _double(go: str) -> Converter:
    def convert(value: Any, unknown: list[str], path: str) -> Any:
        if type(value) not in (int, float):
            raise Mismatch(value, go)
        return int(value) if isinstance(value, float) and value.is_integer() else value

    return convert


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
    seconds = _moment(value, "2006-01-02T15:04:05Z07:00")
    return value if _WHOLE_SECONDS.fullmatch(value) else timestamps.rfc3339(seconds)


def _micro_time(value: Any) -> str:
    layout = "2006-01-02T15:04:05.000000Z07:00"
    seconds = _moment(value, layout)
    if _MICRO_SECONDS.fullmatch(value):
        return str(value)
    if not re.match(r"\.\d{6}(?!\d)", value[19:]):  # what stands after the seconds
        raise Unreadable(f'parsing time "{value}" as "{layout}": cannot parse "{value[19:]}" as ".000000"')
    return timestamps.micro(seconds)


def _moment(value: Any, layout: str) -> float:
    if not isinstance(value, str):
        raise Mismatch(value, "string")
    try:
        return timestamps.parse(value)
    except ValueError as error:
        text = f'parsing time "{value}" as "{layout}": cannot parse "{value}" as "2006"'
        raise Unreadable(text) from error


def _int_or_string(value: Any) -> str | int:
    if isinstance(value, str) or (type(value) is int and -(2**31) <= value < 2**31):
        return value
    raise Mismatch(value, "int32")


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
    "double": _double,
    "raw": _parsed(copy),
    "json": _parsed(copy),
    "fields": _parsed(copy),
    "any": _parsed(copy),
}
"""Type expression -> Go type name -> converter."""
