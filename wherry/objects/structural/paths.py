"""JSON paths as Kubernetes writes them: `.spec.size`, `.status.conditions[?(@.type=="Ready")].status`, `.a['b.c'][0]`.

Source: k8s.io/client-go/util/jsonpath, as far as one expression without text around it goes.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from typing import Any

from wherry.objects import Object

LONGEST = 1024
"""Characters of a path: to read one takes time by the square of them."""
_ORDERS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}

Step = Callable[[Any], Iterator[Any]]

_TOKEN = re.compile(
    r"""
    \.\.(?P<deep>(?:\\.|[^.\[\\])+)
  | \.?\[\?\(\s*@(?P<left>[^=!<>]*?)\s*(?P<operator>==|!=|<=|>=|<|>)\s*(?P<right>.*?)\s*\)\]
  | \.?\[\?\(\s*@(?P<exists>[^=!<>]*?)\s*\)\]
  | \.?\[(?P<quoted>'(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*")\]
  | \.?\[(?P<slice>-?\d*:?-?\d*)\]
  | \.?\[(?P<star>\*)\]
  | \.(?P<field>(?:\\.|[^.\[\\])+)
    """,
    re.VERBOSE,
)


class BadPath(ValueError):
    """A path that cannot be read."""


@lru_cache(1024)
def parse(path: str) -> Sequence[Step]:
    """Return the steps of a path; raises `BadPath`."""
    if len(path) > LONGEST:
        raise BadPath(f"longer than {LONGEST} characters")
    steps: list[Step] = []
    position = 1 if path.startswith(("$.", "$[", "@.", "@[")) or path in ("$", "@") else 0
    while position < len(path) and path[position:] != ".":
        match = _TOKEN.match(path, position)
        if match is None:
            raise BadPath(f"unrecognized character at {position} of {path!r}")
        steps.append(_step(match))
        position = match.end()
    return tuple(steps)


def find(obj: Object, path: str) -> Iterator[Any]:
    """Yield every value at `path`; one that is not there is left out. Raises `BadPath`."""
    found: Iterator[Any] = iter([obj])
    for step in parse(path):
        found = _stepped(step, found)
    return found


def _stepped(step: Step, values: Iterator[Any]) -> Iterator[Any]:
    """Take a step from each value, from one object or list only once: several `..` lead to the same by many ways."""
    seen: set[int] = set()
    for value in values:
        for inner in step(value):
            if isinstance(inner, dict | list):
                if id(inner) in seen:
                    continue
                seen.add(id(inner))
            yield inner


def get(obj: Object, path: str) -> Any:
    """Return the value at a path of plain fields (`.spec.replicas`), None where there is none."""
    value: Any = obj
    for name in path.removeprefix(".").split("."):
        value = value.get(name) if isinstance(value, dict) else None
    return value


def put(obj: Object, path: str, value: Any) -> Object:
    """Return `obj` with `value` at a path of plain fields; what is on the way is made, and copied where it is there."""
    name, _, rest = path.removeprefix(".").partition(".")
    inner = obj.get(name)
    return {**obj, name: put(inner if isinstance(inner, dict) else {}, rest, value) if rest else value}


def _step(match: re.Match[str]) -> Step:
    if (field := match["field"]) is not None:
        return _every if field == "*" else _field(_plain(field))
    if match["quoted"]:
        return _field(_plain(match["quoted"][1:-1]))
    if match["deep"]:
        return _deep(_plain(match["deep"]))
    if match["star"]:
        return _every
    if match["slice"]:
        return _slice(match["slice"])
    if match["exists"] is not None:
        return _filter(match["exists"], lambda left: True)
    return _filter(match["left"], _comparison(match["operator"], match["right"]))


def _plain(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name)


def _field(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]

    return step


def _every(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _deep(name: str) -> Step:
    def step(value: Any) -> Iterator[Any]:
        if isinstance(value, dict) and name in value:
            yield value[name]
        for inner in _every(value):
            yield from step(inner)

    return step


def _slice(text: str) -> Step:
    start, colon, end = text.partition(":")

    def step(value: Any) -> Iterator[Any]:
        if not isinstance(value, list):
            return
        if colon:
            yield from value[int(start) if start else None : int(end) if end else None]
        elif start and -len(value) <= int(start) < len(value):
            yield value[int(start)]

    return step


def _filter(path: str, holds: Callable[[Any], bool]) -> Step:
    parse(path)

    def step(value: Any) -> Iterator[Any]:
        for item in _every(value):
            if isinstance(item, dict) and any(holds(left) for left in find(item, path)):
                yield item

    return step


def _comparison(relation: str, text: str) -> Callable[[Any], bool]:
    right = _literal(text)

    def holds(left: Any) -> bool:
        if relation == "==":
            return bool(left == right)
        if relation == "!=":
            return bool(left != right)
        comparable = isinstance(left, str) == isinstance(right, str) and type(left) in (int, float, str)
        return comparable and bool(_ORDERS[relation](left, right))

    return holds


def _literal(text: str) -> Any:
    if len(text) > 1 and text[0] == text[-1] and text[0] in "\"'":
        return _plain(text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    try:
        return float(text) if "." in text or "e" in text else int(text)
    except ValueError:
        raise BadPath(f"{text!r} is neither a text nor a number") from None
