"""Objects in which a field is given more than once. JSON lets them be; as a dict, the last one counts.

Validation wants to say so, in the order of the document. So a body is read again with `read`, whose objects remember
every pair: `items` yields them all, and the name of a pair that repeats an earlier one is an `Again`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from wherry.objects import Object


class Again(str):
    """The name of a field that was given before."""

    __slots__ = ()


class Repeating(dict[str, Any]):
    """An object with fields given more than once."""

    def __init__(self, pairs: list[tuple[str, Any]]):
        super().__init__(pairs)
        seen: set[str] = set()
        self._pairs: list[tuple[str, Any]] = []
        for name, item in pairs:
            self._pairs.append((Again(name) if name in seen else name, item))
            seen.add(name)

    def items(self) -> Iterable[tuple[str, Any]]:  # type: ignore[override]  # a dict's view cannot repeat itself
        """Return every pair, in the order of the document."""
        return self._pairs


def read(body: bytes) -> Any:
    """Return what a JSON body says, with every repetition; ValueError where it is not JSON."""
    return json.loads(body, object_pairs_hook=_object)


def _object(pairs: list[tuple[str, Any]]) -> Object:
    result = dict(pairs)
    return result if len(result) == len(pairs) else Repeating(pairs)


def paths(value: Any, path: str = "") -> list[str]:
    """Return the path of each repeated field of a document whose types nobody knows, in order."""
    found: list[str] = []
    if isinstance(value, dict):
        for name, item in value.items():
            place = f"{path}.{name}" if path else name
            if type(name) is Again:
                found.append(place)
            found += paths(item, place)
    elif isinstance(value, list):
        for i, item in enumerate(value):
            found += paths(item, f"{path}[{i}]")
    return list(dict.fromkeys(found))
