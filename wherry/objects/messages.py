"""Protobuf messages of the schema's types, to and from JSON form.

The special types travel as small messages of their own: Quantity (string = 1), Time and MicroTime (seconds = 1,
nanos = 2), IntOrString (type = 1, intVal = 2, strVal = 3), RawExtension, FieldsV1 and JSON (raw = 1), named string
lists (items = 1), what stands in the place of a schema (`_UNIONS`). An inlined struct is a message field whose fields
join the object around it.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from wherry.objects import Object, timestamps
from wherry.objects.budget import Budget, check_json
from wherry.objects.definitions import SCHEMA_PROPS, UNIONS, Field, Type, load
from wherry.objects.wire import (
    WireError,
    read_double,
    read_fields,
    read_packed,
    signed,
    write_bytes,
    write_double,
    write_varint,
)

_YEAR_1, _YEAR_10000 = -62135596800, 253402300800  # seconds since the epoch; what RFC 3339 can say lies between

Value = int | memoryview
Reader = Callable[[Value, Budget], Any]
Writer = Callable[[int, Any], bytes]


def read(type_: Type, data: bytes | memoryview, budget: Budget) -> Object:
    """Return a message of that type as a JSON object; fields the schema does not know are skipped.

    Raises WireError, UnicodeDecodeError or json.JSONDecodeError where the bytes are no such message, OverBudget where
    they have more values than `budget`.
    """
    fields = _readers(type_.name)
    result: Object = {}
    for number, value in read_fields(memoryview(data)):
        budget.spend()
        known = fields.get(number)
        if known is None:
            continue
        field, reader = known
        if field.inline:
            result |= reader(value, budget)
        elif field.type.startswith("[]"):
            items = result.setdefault(field.name, [])
            if isinstance(value, memoryview) and field.type in ("[]int32", "[]int64"):
                budget.spend(len(value))  # at least a byte each
                items += [reader(item, budget) for item in read_packed(value)]
            else:
                items.append(reader(value, budget))
        elif field.type.startswith("map:"):
            key, item = reader(value, budget)
            result.setdefault(field.name, {})[key] = item
        else:
            result[field.name] = reader(value, budget)
    return result


def write(type_: Type, obj: Object) -> bytes:
    """Return the message of that type for a JSON object in typed form."""
    parts = []
    for field, writer in _writers(type_.name):
        if field.inline:
            inner = write(load().types[field.type[1:]], obj)
            parts.append(write_bytes(field.number, inner) if inner else b"")
            continue
        value = obj.get(field.name)
        if value is None:
            continue
        if field.type.startswith("[]"):
            parts += [writer(field.number, item) for item in value]
        elif field.type.startswith("map:"):
            parts += [
                write_bytes(field.number, write_bytes(1, key.encode()) + writer(2, item)) for key, item in value.items()
            ]
        else:
            parts.append(writer(field.number, value))
    return b"".join(parts)


@cache
def _readers(name: str) -> dict[int, tuple[Field, Reader]]:
    return {f.number: (f, _reader(f.type.removeprefix("[]"))) for f in load().types[name].fields if f.number}


@cache
def _writers(name: str) -> tuple[tuple[Field, Writer], ...]:
    return tuple(
        (f, _writer(f.type.removeprefix("[]").removeprefix("map:"))) for f in load().types[name].fields if f.number
    )


# Reading


def _reader(expression: str) -> Reader:
    if expression.startswith("#"):
        return lambda value, budget: read(load().types[expression[1:]], _bytes(value), budget)
    if expression.startswith("map:"):
        return _entry(_reader(expression[4:]), "" if expression[4:] in ("string", "bytes") else None)
    if expression.startswith("items:"):
        item = _reader(expression[6:])
        return lambda value, budget: [_spent(budget, item(v, budget)) for n, v in _fields(value) if n == 1]
    if expression in UNIONS:
        return _UNIONS[expression][0]
    scalar = _SCALARS[expression][0]
    return lambda value, budget: scalar(value)


def _spent(budget: Budget, value: Any) -> Any:
    budget.spend()
    return value


def _entry(item: Reader, missing: Any) -> Callable[[Value, Budget], tuple[str, Any]]:
    def read_entry(value: Value, budget: Budget) -> tuple[str, Any]:
        entry = dict(_fields(value))
        return _string(entry.get(1, memoryview(b""))), item(entry[2], budget) if 2 in entry else missing

    return read_entry


def _bytes(value: Value) -> memoryview:
    if isinstance(value, int):
        raise WireError("proto: wrong wireType = 0 for a length-delimited field")
    return value


def _number(value: Value) -> int:
    if isinstance(value, int):
        return value
    raise WireError("proto: wrong wireType = 2 for a number")


def _fields(value: Value) -> Iterator[tuple[int, Value]]:
    return read_fields(_bytes(value))


def _string(value: Value) -> str:
    return str(_bytes(value), "utf-8")


def _base64(value: Value) -> str:
    return base64.b64encode(_bytes(value)).decode()


def _quantity(value: Value) -> str:
    return _string(dict(_fields(value)).get(1, memoryview(b"0")))


def _time(value: Value) -> str | None:
    """Read a Timestamp; an empty one is the zero time, which JSON leaves out."""
    fields = dict(_fields(value))
    return timestamps.rfc3339(_seconds(fields.get(1, 0))) if fields else None


def _seconds(value: Value) -> int:
    seconds = signed(_number(value), 64)
    if not _YEAR_1 <= seconds < _YEAR_10000:
        raise WireError("Time.MarshalJSON: year outside of range [0,9999]")
    return seconds


def _micro_time(value: Value) -> str | None:
    fields = dict(_fields(value))
    if not fields:
        return None
    seconds, nanos = _seconds(fields.get(1, 0)), _number(fields.get(2, 0))
    return f"{timestamps.rfc3339(seconds)[:-1]}.{nanos // 1000:06d}Z"


def _int_or_string(value: Value) -> int | str:
    fields = dict(_fields(value))
    if fields.get(1, 0):
        return _string(fields.get(3, memoryview(b"")))
    return signed(_number(fields.get(2, 0)), 32)


def _json(value: Value) -> Any:
    raw = dict(_fields(value)).get(1)
    if not raw:
        return None
    check_json(_bytes(raw))
    return json.loads(bytes(_bytes(raw)))


# Writing


def _writer(expression: str) -> Writer:
    if expression.startswith("#"):
        return lambda number, value: write_bytes(number, write(load().types[expression[1:]], value))
    if expression.startswith("items:"):
        item = _writer(expression[6:])
        return lambda number, value: write_bytes(number, b"".join(item(1, v) for v in value))
    return _UNIONS[expression][1] if expression in UNIONS else _SCALARS[expression][1]


_schema_reader, _schema_writer = _reader(f"#{SCHEMA_PROPS}"), _writer(f"#{SCHEMA_PROPS}")


def _read_list_union(item: Reader) -> Reader:
    """Return the reader of {schema = 1, items = 2}."""

    def read_union(value: Value, budget: Budget) -> Any:
        found: list[Any] = []
        for number, inner in _fields(value):
            if number == 1:
                return _schema_reader(inner, budget)
            found.append(_spent(budget, item(inner, budget)))
        return found

    return read_union


def _write_list_union(item: Writer) -> Writer:
    def write_union(number: int, value: Any) -> bytes:
        if isinstance(value, dict):
            return write_bytes(number, _schema_writer(1, value))
        return write_bytes(number, b"".join(item(2, one) for one in value))

    return write_union


def _read_bool_union(value: Value, budget: Budget) -> Any:
    """Return {allows = 1, schema = 2}."""
    fields = dict(_fields(value))
    return _schema_reader(fields[2], budget) if 2 in fields else bool(_number(fields.get(1, 0)))


def _write_bool_union(number: int, value: Any) -> bytes:
    if isinstance(value, dict):
        return write_bytes(number, write_varint(1, True) + _schema_writer(2, value))
    return write_bytes(number, write_varint(1, value))


_UNIONS: dict[str, tuple[Reader, Writer]] = {
    "schema-or-array": (_read_list_union(_schema_reader), _write_list_union(_schema_writer)),
    "schema-or-bool": (_read_bool_union, _write_bool_union),
    "schema-or-strings": (
        _read_list_union(lambda value, budget: _string(value)),
        _write_list_union(lambda number, value: write_bytes(number, value.encode())),
    ),
}


def _write_time(number: int, value: str) -> bytes:
    return write_bytes(number, write_varint(1, round(timestamps.parse(value))) + write_varint(2, 0))


def _write_micro_time(number: int, value: str) -> bytes:
    seconds = int(timestamps.parse(value[:19] + "Z"))
    micros = int(value[20:26] or 0)
    return write_bytes(number, write_varint(1, seconds) + write_varint(2, micros * 1000))


def _write_int_or_string(number: int, value: int | str) -> bytes:
    is_text = isinstance(value, str)
    number_part, text_part = (0, value) if isinstance(value, str) else (value, "")
    inner = write_varint(1, is_text) + write_varint(2, number_part) + write_bytes(3, text_part.encode())
    return write_bytes(number, inner)


def _write_json(number: int, value: Any) -> bytes:
    return write_bytes(number, write_bytes(1, json.dumps(value, separators=(",", ":")).encode()))


_SCALARS: dict[str, tuple[Callable[[Value], Any], Writer]] = {
    "string": (_string, lambda number, value: write_bytes(number, value.encode())),
    "bytes": (_base64, lambda number, value: write_bytes(number, base64.b64decode(value))),
    "bool": (lambda value: bool(_number(value)), write_varint),
    "int32": (lambda value: signed(_number(value), 32), write_varint),
    "int64": (lambda value: signed(_number(value), 64), write_varint),
    "quantity": (_quantity, lambda number, value: write_bytes(number, write_bytes(1, value.encode()))),
    "time": (_time, _write_time),
    "microtime": (_micro_time, _write_micro_time),
    "intorstring": (_int_or_string, _write_int_or_string),
    "double": (lambda value: read_double(_bytes(value)), write_double),
    "raw": (_json, _write_json),
    "json": (_json, _write_json),
    "fields": (_json, _write_json),
}
