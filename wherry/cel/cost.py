"""What an expression may cost at most: its steps, by how long lists and texts may be after their schema.

A unit is about one step. Source: cel-go checker/cost.go, k8s.io/apiserver pkg/cel/library/cost.go; simplified, so that
a cost may differ from upstream's where an expression builds lists or texts of its own.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import NamedTuple

from wherry.cel.names import escape
from wherry.cel.tree import Node
from wherry.objects.structural.walking import Schema, additional, items

LARGEST = 3 * 1024 * 1024 - 2
"""Characters in the largest request, and so in the longest text."""

PER_CHARACTER, PER_PATTERN = 0.1, 0.25
_LIST, _MAP = 10, 30
_LOGIC = ("_&&_", "_||_", "!_", "_?_:_", "@not_strictly_false", "!not_strictly_false", "_[_]", "_[?_]", "_?._", "size")
_COMPARING = ("_==_", "_!=_", "_<_", "_<=_", "_>_", "_>=_")
_REGEX = ("matches", "find", "findAll")
_OVER_LISTS = ("isSorted", "sum", "min", "max", "indexOf", "lastIndexOf")
_SCALARS = (
    "int", "uint", "double", "bool", "duration", "timestamp", "type",
    "getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear",
    "getHours", "getMinutes", "getSeconds", "getMilliseconds",
    "sign", "asInteger", "isInteger", "asApproximateFloat", "isGreaterThan", "isLessThan", "compareTo",
    "major", "minor", "patch", "prefixLength", "family",
)  # fmt: skip
"""What makes one number, length of time or flag of whatever it is given: one step."""


class Estimate(NamedTuple):
    """What a value costs, the schema it is of, and how many elements or characters it may have."""

    cost: float
    schema: Schema | None
    size: float


def estimate(node: Node, variables: Mapping[str, Schema]) -> float:
    """Return the most that evaluating a tree may cost, over variables of these schemas."""
    return _of(node, {name: Estimate(1, schema, largest(schema)) for name, schema in variables.items()}).cost


def largest(schema: Schema | None) -> float:
    """Return how many elements or characters a value of a schema may have."""
    if schema is None:
        return LARGEST
    kind = schema.get("type")
    if kind == "array":
        return float(schema.get("maxItems", LARGEST // (smallest(items(schema)) + 1)))
    if kind == "object":
        if schema.get("properties"):
            return len(schema["properties"])
        return float(schema.get("maxProperties", LARGEST // (smallest(additional(schema)) + 6)))
    if kind in ("integer", "number", "boolean"):
        return 1
    if enum := schema.get("enum"):
        return max(len(str(one)) for one in enum)
    return float(min(4 * schema["maxLength"], LARGEST)) if "maxLength" in schema else LARGEST


def smallest(schema: Schema | None) -> int:
    """Return how few characters a value of a schema may take in JSON."""
    if schema is None:
        return 1
    kind = schema.get("type")
    if kind == "object":
        properties, required = schema.get("properties") or {}, schema.get("required") or ()
        needed = [name for name in required if name in properties and "default" not in properties[name]]
        return 2 + sum(len(name) + 4 + smallest(properties[name]) for name in needed)
    if kind in ("integer", "number") or schema.get("x-kubernetes-int-or-string"):
        return 1
    return 4 if kind == "boolean" else 2


def _of(node: Node, known: Mapping[str, Estimate]) -> Estimate:
    match node.kind:
        case "const":
            return Estimate(0, {}, len(node.value or " "))
        case "ident":
            return known.get(node.name) or Estimate(1, None, LARGEST)
        case "select":
            operand = _of(node.parts[0], known)
            schema = _field(operand.schema, node.name)
            return Estimate(operand.cost + 1, schema, largest(schema))
        case "comprehension":
            return _loop(node, known)
        case "call":
            return _call(node.name, [_of(part, known) for part in node.parts])
    parts = [_of(part, known) for part in node.parts]
    base = _LIST if node.kind == "list" else _MAP
    return Estimate(base + sum(part.cost for part in parts), None, len(parts))


def _field(schema: Schema | None, name: str) -> Schema | None:
    for own, inner in ((schema or {}).get("properties") or {}).items():
        if escape(own) == name:
            found: Schema = inner
            return found
    return additional(schema or {})


def _loop(node: Node, known: Mapping[str, Estimate]) -> Estimate:
    whole, start, condition, step, result = node.parts
    over = _of(whole, known)
    begin = _of(start, known)
    one = items(over.schema)
    element = Estimate(1, one, largest(one))
    key = Estimate(1, None, 0)  # upstream's type of keys is a text without a length (apiserver pkg/cel/types.go)
    is_map = over.schema is not None and over.schema.get("type") == "object"
    gathered = Estimate(1, None, over.size if start.kind in ("list", "struct") else 1)
    rest = Estimate(1, additional(over.schema or {}), largest(additional(over.schema or {})))
    inner = {**known, node.names[0]: key if is_map else element, node.names[1]: rest if is_map else element}
    inner[node.names[2]] = gathered
    each = _of(condition, inner).cost + _of(step, inner).cost
    end = _of(result, {**known, node.names[2]: gathered})
    return Estimate(over.cost + begin.cost + over.size * each + end.cost, None, gathered.size)


def _call(name: str, parts: list[Estimate]) -> Estimate:
    cost = sum(part.cost for part in parts)
    sizes = [part.size for part in parts]
    text = math.ceil(max(sizes, default=1) * PER_CHARACTER)
    if name in ("_[_]", "_[?_]", "_?._"):
        schema = items(parts[0].schema) or additional(parts[0].schema or {})
        return Estimate(cost + 1, schema, largest(schema))
    if name in _LOGIC:
        return Estimate(cost + 1, None, max(sizes[1:], default=1) if name == "_?_:_" else 1)
    if name in _SCALARS:
        return Estimate(cost + 1, None, 1)
    if name in _COMPARING:
        return Estimate(cost + max(1, math.ceil(min(sizes) * PER_CHARACTER)), None, 1)
    if name == "contains":
        return Estimate(cost + text * math.ceil(sizes[-1] * PER_CHARACTER), None, 1)
    if name in ("startsWith", "endsWith"):
        return Estimate(cost + math.ceil(sizes[-1] * PER_CHARACTER), None, 1)
    if name in _REGEX:
        pattern = sizes[1] if len(sizes) > 1 else 1
        return Estimate(
            cost + math.ceil((1 + sizes[0]) * PER_CHARACTER) * math.ceil(pattern * PER_PATTERN), None, sizes[0]
        )
    if name == "@in":
        return Estimate(cost + max(1, sizes[-1]), None, 1)
    if name in _OVER_LISTS:
        over = parts[0]
        element = items(over.schema)
        each = 1 + (largest(element) * PER_CHARACTER if element and element.get("type") == "string" else 0)
        return Estimate(cost + over.size * each, None, 1)
    if name == "_+_":
        return Estimate(cost + math.ceil(sum(sizes) * PER_CHARACTER), None, sum(sizes))
    return Estimate(cost + max(1, text), None, max(sizes, default=1))
