"""Is each value what the schema says?

A change is held to the schema only where it changes something (KEP-4008, ratcheting): what was let in once may stay.
Source of rules, order and texts: k8s.io/kube-openapi pkg/validation (validate, errors) and apiextensions-apiserver
pkg/apiserver/validation (validation.go, ratcheting.go).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from wherry.objects import fields
from wherry.objects.budget import OverBudget
from wherry.objects.errors import FieldError
from wherry.objects.structural import formats
from wherry.objects.structural.walking import Schema, additional, items

ABSENT: Any = object()
"""No value was there before."""

CHECKS = 200_000
"""How often a value of one object is held to a schema: unions in unions, and lists of them, have no other end."""
MOST_ERRORS = 1000
MOST_ALLOWED, LONGEST_RULE = 100, 1024
"""How many of the values that are allowed an error tells, and how many characters of them, or of a pattern."""

NOWHERE = "<nil>"
"""The path of an error about a union, as upstream prints it."""


@dataclass(slots=True)
class Result:
    """What is wrong, and how many checks were made and met: of several schemas, the best one is reported."""

    errors: list[FieldError] = field(default_factory=list)
    met: int = 0

    def add(self, other: Result) -> None:
        """Take over what another found."""
        self.errors += other.errors[: MOST_ERRORS - len(self.errors)]
        self.met += other.met


def errors(value: Any, schema: Schema, old: Any = ABSENT, prefix: str = "") -> list[FieldError]:
    """Return what is wrong with `value`, which replaces `old`; `prefix` is the path of the value itself.

    Raises `OverBudget` for what takes too long.
    """
    _left[0] = CHECKS
    found = check(value, schema, "", old).errors
    if not prefix:
        return found
    return [e if e.field == NOWHERE else FieldError(e.type, f"{prefix}.{e.field}", e.detail) for e in found]


def check(value: Any, schema: Schema, path: str, old: Any = ABSENT) -> Result:
    """Check one value and all in it."""
    _left[0] -= 1
    if _left[0] < 0:
        raise OverBudget(f"to hold the object to its schema takes more than {CHECKS} checks")
    result = Result()
    for part in _PARTS:
        part(value, schema, path, old, result)
        result.met += 1
    if result.errors and old is not ABSENT and old == value and type(old) is type(value):
        return Result(met=result.met)
    return result


_left = [0]
"""Of the checks of the one object that is being looked at."""


def json_type(value: Any) -> str:
    """Return the type of a JSON value in the words of a schema."""
    if value is None:
        return "null"
    return _TYPES[type(value)]


_TYPES = {bool: "boolean", str: "string", int: "integer", float: "number", list: "array", dict: "object"}


def types_of(schema: Schema) -> Sequence[str]:
    """Return the types a value may have; none: any."""
    if schema.get("x-kubernetes-int-or-string"):
        return ("integer", "string")
    return (schema["type"],) if schema.get("type") else ()


def go_number(value: float) -> str:
    """Return a number as Go prints it."""
    if isinstance(value, float) and math.isfinite(value) and (not value.is_integer() or abs(value) >= 1e21):
        return repr(value)
    return str(int(value))


def _place(path: str) -> str:
    return path.removeprefix(".") or NOWHERE


def _wrong(path: str, value: Any, text: str) -> FieldError:
    return fields.invalid(_place(path), value, f"{path} in body {text}")


def _wrong_type(path: str, wanted: str, shown: str) -> FieldError:
    detail = f"Invalid value: {fields.quote(shown)}: {path} in body must be of type {wanted}: {fields.quote(shown)}"
    return FieldError("FieldValueTypeInvalid", _place(path), detail)


def _type(value: Any, schema: Schema, path: str, old: Any, result: Result) -> None:
    types = types_of(schema)
    found = json_type(value)
    if value is None:
        if types and not schema.get("nullable"):
            result.errors.append(_wrong_type(path, ",".join(types), found))
        return
    whole = isinstance(value, float) and value.is_integer() and "integer" in types
    if not types or found in types or whole or (found == "integer" and "number" in types):
        result.met += 1
    else:
        result.errors.append(_wrong_type(path, ",".join(types), found))


def _unions(value: Any, schema: Schema, path: str, old: Any, result: Result) -> None:
    if value is None:
        return
    if choices := schema.get("anyOf"):
        _any_of(value, choices, path, old, result)
    if choices := schema.get("oneOf"):
        _one_of(value, choices, path, old, result)
    if all_ := schema.get("allOf"):
        tried = [check(value, one, path, old) for one in all_]
        for one in tried:
            result.add(one)
        valid = sum(not one.errors for one in tried)
        if valid != len(tried):
            none = "" if valid else ". None validated"
            result.errors.append(_union(path, f"must validate all the schemas (allOf){none}"))
    if (excluded := schema.get("not")) is not None and not check(value, excluded, path, old).errors:
        result.errors.append(_union(path, "must not validate the schema (not)"))


def _union(path: str, text: str) -> FieldError:
    return fields.invalid(NOWHERE, "", f"{fields.quote(path)} {text}")


def _any_of(value: Any, choices: Sequence[Schema], path: str, old: Any, result: Result) -> None:
    tried = []
    for choice in choices:
        tried.append(check(value, choice, path, old))
        if not tried[-1].errors:
            result.add(tried[-1])
            return
    result.errors.append(_union(path, "must validate at least one schema (anyOf)"))
    result.add(max(tried, key=lambda one: one.met))


def _one_of(value: Any, choices: Sequence[Schema], path: str, old: Any, result: Result) -> None:
    tried = [check(value, choice, path, old) for choice in choices]
    valid = [one for one in tried if not one.errors]
    if len(valid) == 1:
        result.add(valid[0])
        return
    more = f"Found {len(valid)} valid alternatives" if valid else "Found none valid"
    result.errors.append(_union(path, f"must validate one and only one schema (oneOf). {more}"))
    if not valid:
        result.add(max(tried, key=lambda one: one.met))


def _string(value: Any, schema: Schema, path: str, old: Any, result: Result) -> None:
    if not isinstance(value, str):
        return
    if (most := schema.get("maxLength")) is not None and len(value) > most:
        result.errors.append(fields.too_long(_place(path), most))
    elif (least := schema.get("minLength")) is not None and len(value) < least:
        result.errors.append(_wrong(path, value, f"should be at least {least} chars long"))
    elif (pattern := schema.get("pattern")) and not compiled(pattern)(value):
        result.errors.append(_wrong(path, value, f"should match '{_cut(pattern)}'"))
    else:
        result.met += 1


def _format(value: Any, schema: Schema, path: str, old: Any, result: Result) -> None:
    format, type_ = schema.get("format"), schema.get("type", "")
    if not format or not isinstance(value, str) or type_ not in ("", "string") or not formats.known(format, type_):
        return
    if not formats.matches(format, value):
        result.errors.append(_wrong_type(path, format, value))


def _number(value: Any, schema: Schema, path: str, old: Any, result: Result) -> None:
    if type(value) not in (int, float):
        return
    type_, format = schema.get("type", ""), schema.get("format", "")
    bits = 32 if format == "int32" else 64
    if type_ == "integer" and not -(1 << (bits - 1)) <= value < 1 << (bits - 1):
        where = f"with format {format} in" if format else "(default format) in"
        result.errors.append(fields.invalid(NOWHERE, "", f"Checked value must be of type integer {where} {path}"))
    if (factor := schema.get("multipleOf")) is not None and not _is_multiple(value, factor):
        result.errors.append(_wrong(path, value, f"should be a multiple of {go_number(factor)}"))
    if (most := schema.get("maximum")) is not None:
        most = int(most) if isinstance(value, int) else most
        if value >= most if schema.get("exclusiveMaximum") else value > most:
            or_equal = "" if schema.get("exclusiveMaximum") else " or equal to"
            result.errors.append(_wrong(path, value, f"should be less than{or_equal} {go_number(most)}"))
    if (least := schema.get("minimum")) is not None:
        least = int(least) if isinstance(value, int) else least
        if value <= least if schema.get("exclusiveMinimum") else value < least:
            or_equal = "" if schema.get("exclusiveMinimum") else " or equal to"
            result.errors.append(_wrong(path, value, f"should be greater than{or_equal} {go_number(least)}"))


def _is_multiple(value: float, factor: float) -> bool:
    if factor <= 0:
        return False
    times = value / factor if factor >= 1 else 1 / factor * value
    return abs(times - round(times)) < 1e-9


def _list(value: Any, schema: Schema, path: str, old: Any, result: Result) -> None:
    if not isinstance(value, list):
        return
    if (inner := items(schema)) is not None:
        before = by_key(old, schema)
        for i, item in enumerate(value):
            result.add(check(item, inner, f"{path}[{i}]", before(item)))
    if (least := schema.get("minItems")) is not None and len(value) < least:
        result.errors.append(_wrong(path, len(value), f"should have at least {least} items"))
    if (most := schema.get("maxItems")) is not None and len(value) > most:
        result.errors.append(fields.too_many(_place(path), len(value), most))


def by_key(old: Any, schema: Schema) -> Callable[[Any], Any]:
    """Return what finds the old element of a new one: only lists that are maps tell which was which."""
    keys = schema.get("x-kubernetes-list-map-keys") or ()
    if not isinstance(old, list) or schema.get("x-kubernetes-list-type") != "map" or not keys:
        return lambda item: ABSENT

    def key(item: Any) -> str:
        return repr([item.get(k) for k in keys]) if isinstance(item, dict) else ""

    known = {key(item): item for item in old}
    return lambda item: known.get(key(item), ABSENT)


def _enum(value: Any, schema: Schema, path: str, old: Any, result: Result) -> None:
    allowed = schema.get("enum")
    if not allowed or _is_among(value, allowed):
        return
    shown = ", ".join(fields.quote(one if isinstance(one, str) else _json(one)) for one in allowed[:MOST_ALLOWED])
    text = f"Unsupported value: {_json(value)}: supported values: {_cut(shown)}"
    result.errors.append(FieldError("FieldValueNotSupported", _place(path), text))


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_RULE else f"{text[:LONGEST_RULE]}…"


def _json(value: Any) -> str:
    return fields.invalid("", value, "").detail.removeprefix("Invalid value: ")


def _is_among(value: Any, allowed: Sequence[Any]) -> bool:
    _left[0] -= len(allowed) // 16  # a comparison is a small part of a check
    return any(_same(value, one) for one in allowed)


def _same(value: Any, allowed: Any) -> bool:
    return bool(value == allowed) and isinstance(value, bool) == isinstance(allowed, bool)


def _object(value: Any, schema: Schema, path: str, old: Any, result: Result) -> None:
    if not isinstance(value, dict):
        return
    before = old if isinstance(old, dict) else {}
    if (least := schema.get("minProperties")) is not None and len(value) < least:
        result.errors.append(_wrong(path, len(value), f"should have at least {least} properties"))
    if (most := schema.get("maxProperties")) is not None and len(value) > most:
        result.errors.append(fields.too_many(_place(path), len(value), most))
    properties, rest = schema.get("properties") or {}, additional(schema)
    if schema.get("additionalProperties") is False:
        for name in value:
            if name not in properties:
                text = f"{path}.{name} in body is a forbidden property"
                result.errors.append(fields.invalid(_place(path), name, text))
    for name, item in value.items():
        if name in properties:
            place = f"{path}.{name}" if path else name
            result.add(check(item, properties[name], place, before.get(name, ABSENT)))
        elif rest is not None:
            result.add(check(item, rest, f"{path}.{name}", before.get(name, ABSENT)))
    for name in schema.get("required") or ():
        if name not in value:
            result.errors.append(fields.required(_place(f"{path}.{name}")))


_PARTS = (_type, _unions, _string, _format, _number, _list, _enum, _object)


@lru_cache(1024)
def compiled(pattern: str) -> Callable[[str], Any]:
    """Return what looks for a pattern in a text; raises ValueError where it is none.

    RE2, as Go has it: in time linear in the text, whatever the pattern.
    """
    import re2  # 10 ms, and only who has patterns needs it

    try:
        search: Callable[[str], Any] = re2.compile(pattern, _quiet()).search
    except re2.error as error:
        reason = error.args[0]
        raise ValueError(reason.decode() if isinstance(reason, bytes) else str(reason)) from error
    return search


def _quiet() -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    return options
