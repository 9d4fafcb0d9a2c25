"""The tree of an expression, read from what cel-cpp writes: `cel.expr.CheckedExpr` or `ParsedExpr`.

Source: cel-spec proto/cel/expr/checked.proto and syntax.proto.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from wherry.objects.wire import read_fields


class Node(NamedTuple):
    """A node: `kind` is const, ident, select, call, list, struct or comprehension.

    `name` is an identifier, a field or a function; `value` a constant; `parts` the nodes within, in the order of the
    specification; `names` a comprehension's variables: its two for the range, and the accumulator.
    """

    kind: str
    name: str = ""
    value: Any = None
    parts: Sequence[Node] = ()
    names: Sequence[str] = ()


def read(program: Any) -> Node:
    """Return the tree of a compiled expression."""
    found = _fields(program.serialize())  # an `Any`
    checked = _text(found, 1).endswith("CheckedExpr")
    return _node(_fields(found[2][0])[4 if checked else 2][0])


def uses(program: Any, name: str) -> bool:
    """Return whether a compiled expression uses a variable."""
    node = read(program)
    if name in node.names:  # it is bound around what was written
        node = node.parts[-1]
    return name in _names(node)


def _names(node: Node) -> Iterator[str]:
    if node.kind == "ident":
        yield node.name
    for part in node.parts:
        yield from _names(part)


def _fields(data: Any) -> dict[int, list[Any]]:
    result: dict[int, list[Any]] = {}
    for number, value in read_fields(memoryview(data)):
        result.setdefault(number, []).append(value)
    return result


def _text(found: dict[int, list[Any]], number: int) -> str:
    return bytes(found[number][0]).decode() if number in found else ""


def _node(data: Any) -> Node:
    for number, value in _fields(data).items():
        if number in _READERS:
            return _READERS[number](_fields(value[0]))
    return Node("const")


def _const(found: dict[int, list[Any]]) -> Node:
    for number, values in found.items():
        if number in (6, 7):
            return Node("const", value=bytes(values[0]).decode("utf-8", "replace"))
    return Node("const")


def _select(found: dict[int, list[Any]]) -> Node:
    return Node("select", _text(found, 2), parts=[_node(found[1][0])])


def _call(found: dict[int, list[Any]]) -> Node:
    return Node("call", _text(found, 2), parts=[_node(one) for one in [*found.get(1, ()), *found.get(3, ())]])


def _list(found: dict[int, list[Any]]) -> Node:
    return Node("list", parts=[_node(one) for one in found.get(1, ())])


def _struct(found: dict[int, list[Any]]) -> Node:
    entries = [_fields(one) for one in found.get(2, ())]
    return Node("struct", parts=[_node(one[key][0]) for one in entries for key in (3, 4) if key in one])


def _comprehension(found: dict[int, list[Any]]) -> Node:
    variables = [_text(found, 1), _text(found, 8), _text(found, 3)]
    parts = [_node(found[number][0]) for number in (2, 4, 5, 6, 7)]
    return Node("comprehension", parts=parts, names=variables)


_READERS = {
    3: _const,
    4: lambda found: Node("ident", _text(found, 1)),
    5: _select,
    6: _call,
    7: _list,
    8: _struct,
    9: _comprehension,
}
