"""The literals of mutating policies, as maps."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.cel import typeless
from wherry.cel.asjson import as_json
from wherry.cel.errors import Uncompilable, Unevaluable
from wherry.cel.literals import as_maps

SEEN = {"object": {"spec": {"containers": [{"name": "a"}, {"name": "b"}]}, "n": 3}}


def value(text: str) -> Any:
    written = as_maps(text)
    assert typeless.problem(written, tuple(SEEN)) == ""
    return as_json(typeless.compiled(written, tuple(SEEN)).evaluate(SEEN))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Object{}", {}),
        ("Object{spec: Object.spec{replicas: object.n}}", {"spec": {"replicas": 3}}),
        (
            "Object { spec : Object . spec { `a-b`: 'Object{' + \"it's\" } } // Object{",
            {"spec": {"a-b": "Object{it's"}},
        ),
        (
            "Object{metadata: Object.metadata{labels: {'a': 'b', 'c': 'd'}}}",
            {"metadata": {"labels": {"a": "b", "c": "d"}}},
        ),
        ("true ? Object{a: 1} : Object{a: 'x'}", {"a": 1}),
        ("Object{?a: object.?nosuch, ?n: object.?n}", {"n": 3}),
        (
            "Object{spec: Object.spec{containers: object.spec.containers.map(c, Object.spec.containers{n: c.name})}}",
            {"spec": {"containers": [{"n": "a"}, {"n": "b"}]}},
        ),
        (r"Object{a: r'\d{', b: '''it's {''', c: b'x'}", {"a": r"\d{", "b": "it's {", "c": "eA=="}),
        (
            "[JSONPatch{op: 'add', path: '/metadata/' + jsonpatch.escapeKey('a/b~c'), value: Object.spec{n: 1u}}]",
            [{"op": "add", "path": "/metadata/a~1b~0c", "value": {"n": 1}}],
        ),
        ("object.n == 3 ? [JSONPatch{op: 'remove', path: '/x'}] : []", [{"op": "remove", "path": "/x"}]),
        ("[1.5, null, duration('90s'), timestamp('2026-01-02T03:04:05Z')]", [1.5, None, "90s", "2026-01-02T03:04:05Z"]),
        ("[duration('3000h1s'), duration('1500ms'), duration('0s')]", ["10800001s", "1.5s", "0s"]),
        ("object.spec.containers.map(Object, Object.name)", ["a", "b"]),
    ],
)
def test_a_literal_is_the_map_it_says(text: str, expected: Any) -> None:
    assert value(text) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Object{spec: Object.status{}}", 'unexpected type name "Object.status", expected "Object.spec"'),
        ("Object{spec: Object.spec{a: [Object.spec.b{}]}}", 'expected "Object.spec.a"'),
        ("[JSONPatch{operation: 'add'}]", "undefined field 'operation'"),
    ],
)
def test_one_that_stands_at_another_types_place_is_refused(text: str, says: str) -> None:
    with pytest.raises(Uncompilable, match=says):
        as_maps(text)


@pytest.mark.parametrize(
    "text", ["'plain'", "a.Object{", "Object", "Object.x", "{'a': [1, (2)]}", "'unterminated", "}{)("]
)
def test_what_is_no_literal_is_left_as_it_is(text: str) -> None:
    assert as_maps(text) == text


@pytest.mark.parametrize("text", ["Object{q: quantity('1')}", "{1: 'x'}"])
def test_what_json_has_not_is_no_value_of_an_object(text: str) -> None:
    with pytest.raises(Unevaluable):
        value(text)
