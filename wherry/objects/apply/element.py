"""Path elements: one step from a value to a part of it, as FieldsV1 writes them.

`f:NAME` is a field, `k:{"NAME":VALUE}` the list item with these keys, `v:VALUE` the item of that value, `i:N` the N-th.
They are kept as text in one canonical form, so that equal steps are equal strings.
Source: structured-merge-diff fieldpath/serialize-pe.go, element.go (String, Compare).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec

MEMBER = "."
"""The key that says of a node with children that it is itself in the set."""

_HTML = str.maketrans({"<": "\\u003c", ">": "\\u003e", "&": "\\u0026", "\u2028": "\\u2028", "\u2029": "\\u2029"})
_ORDER = {"f": 0, "k": 1, "v": 2, "i": 3}


@lru_cache(maxsize=8192)
def field(name: str) -> str:
    """Return the step to a field."""
    return f"f:{name}"


@lru_cache(maxsize=8192, typed=True)
def key(names: tuple[str, ...], *values: Any) -> str:
    """Return the step to the list item whose keys, in the order of `names`, have these values."""
    return _key(dict(zip(names, values, strict=True)))


@lru_cache(maxsize=8192, typed=True)
def value(of: Any) -> str:
    """Return the step to the item of a set that is this plain value."""
    return f"v:{json(of)}"


def _key(pairs: Mapping[str, Any]) -> str:
    whole = {name: int(of) if isinstance(of, float) and of.is_integer() else of for name, of in pairs.items()}
    return f"k:{json(whole)}"


def json(of: Any) -> str:
    """Return JSON as Go writes it: sorted, whole numbers without a point, and nothing that HTML would read."""
    if isinstance(of, float) and of.is_integer():
        of = int(of)
    return msgspec.json.encode(of, order="sorted").decode().translate(_HTML)


def canonical(text: str) -> str | None:
    """Return a client's spelling of a step in the canonical form, None for a sort that nobody knows yet.

    Raises `ValueError` for one that cannot be read.
    """
    sort, colon, rest = text[:1], text[1:2], text[2:]
    if colon != ":":
        raise ValueError(f"missing colon: {text}")
    match sort:
        case "f":
            return field(rest)
        case "v":
            return f"v:{json(msgspec.json.decode(rest))}"
        case "k":
            return _key(msgspec.json.decode(rest, type=dict[str, Any]))
        case "i":
            return f"i:{int(rest)}"
    return None


def order(text: str) -> tuple[int, str]:
    """Return what steps are sorted by: fields, keys, values, indexes."""
    return _ORDER.get(text[:1], -1), text


def shown(text: str) -> str:
    """Return a step as messages have it: `.name`, `[name="x"]`, `[="x"]`, `[0]`."""
    rest = text[2:]
    match text[:1]:
        case "f":
            return f".{rest}"
        case "k":
            pairs = msgspec.json.decode(rest, type=dict[str, Any])
            return "[" + ",".join(f"{name}={_shown(of)}" for name, of in pairs.items()) + "]"
        case "v":
            return f"[={_shown(msgspec.json.decode(rest))}]"
    return f"[{rest}]"


def _shown(of: Any) -> str:
    return msgspec.json.encode(of).decode()
