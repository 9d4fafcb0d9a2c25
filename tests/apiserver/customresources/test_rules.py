"""Rules in a schema (`x-kubernetes-validations`): of definitions, and of objects."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.apiserver.customresources.rules import Rules
from wherry.apiserver.kinds.apiextensions import rules
from wherry.objects import Object
from wherry.objects.structural.values import ABSENT

NUMBER: Object = {"type": "integer"}
NAMES: Object = {"type": "array", "items": {"type": "string", "maxLength": 20}, "maxItems": 10}


def ruled(schema: Object, rule: str, **more: Any) -> Object:
    return {**schema, "x-kubernetes-validations": [{"rule": rule, **more}]}


def spec(rule: str, **more: Any) -> Object:
    """Return the schema of a version whose spec has a rule."""
    properties = {"x": NUMBER, "y": NUMBER, "names": NAMES, "foo-bar": {"type": "string", "format": "duration"}}
    properties |= {"size": {"x-kubernetes-int-or-string": True}, "when": {"type": "string", "format": "date-time"}}
    properties |= {"labels": {"type": "object", "maxProperties": 6, "additionalProperties": {"type": "string"}}}
    return {"type": "object", "properties": {"spec": ruled({"type": "object", "properties": properties}, rule, **more)}}


TEXTS: Object = {"type": "object", "properties": {"a": {"type": "string"}, "b": {"type": "string"}}}


def complaints(schema: Object) -> list[str]:
    return [f"{e.field}: {e.detail}" for e in rules.errors(schema, "s")]


def broken(schema: Object, new: Object, old: Any = ABSENT) -> list[str]:
    found = Rules.of(schema, is_root=True)
    assert found is not None
    before = ABSENT if old is ABSENT else {"spec": old}
    return [f"{e.field}: {e.detail}" for e in found.errors({"spec": new}, before)]


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("self.z == 100", "undefined field 'z'"),
        ("self = 42", "Syntax error"),
        ("self.x", "cel expression must evaluate to a bool"),
        ("self.x == 'a'", "no matching overload for '_==_' applied to '(int, string)'"),
        ("self.names.all(n, n > 3)", "no matching overload for '_>_'"),
        (
            "self.labels.all(k, self.labels.all(l, self.labels[k] == self.labels[l]))",
            "estimated rule cost exceeds budget by factor of",
        ),
    ],
)
def test_a_definition_is_refused_for_a_rule_that_does_not_fit_its_schema(rule: str, message: str) -> None:
    (found,) = complaints(spec(rule))
    assert found.startswith("s.properties[spec].x-kubernetes-validations[0].rule: ")
    assert message in found


@pytest.mark.parametrize(
    "rule",
    [
        "self.x + self.y > 0",
        "self.foo__dash__bar < duration('1h')",
        "self.when > timestamp('2026-01-01T00:00:00Z')",
        "self.size == 3 || self.size == '3%'",
        "self.names.all(n, self.names.exists_one(m, m == n))",
        "self.labels.all(k, k.startsWith('a')) && has(self.x)",
        "!has(oldSelf.x) || self.x >= oldSelf.x",
    ],
)
def test_a_rule_that_fits_is_taken(rule: str) -> None:
    assert complaints(spec(rule)) == []


def test_old_values_are_not_to_be_had_where_nothing_tells_which_was_which() -> None:
    item = ruled({"type": "object", "properties": {"x": NUMBER}}, "self.x == oldSelf.x")
    schema: Object = {"type": "object", "properties": {"all": {"type": "array", "maxItems": 3, "items": item}}}
    (found,) = complaints(schema)
    assert "oldSelf cannot be used on the uncorrelatable portion of the schema within s.properties[all]" in found
    schema["properties"]["all"] |= {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["x"]}
    assert complaints(schema) == []


def test_rules_within_unbounded_lists_count_as_often_as_they_may_occur() -> None:
    item = ruled({"type": "array", "items": {"type": "string"}}, "self.all(s, s == 'string constant')")
    schema: Object = {"type": "object", "properties": {"x": {"type": "array", "items": item}}}
    assert any("exceeds budget" in one for one in complaints(schema))


@pytest.mark.parametrize(
    ("item", "rule"),
    [
        ({"type": "object", "additionalProperties": {"type": "string"}}, "self.all(k, k.matches('^[a-z]{1,63}$'))"),
        ({"type": "object", "additionalProperties": {"type": "string"}}, "self.all(k, k.split('/')[0].size() < 253)"),
        (TEXTS, "duration(self.a) != duration('0s') && duration(self.b) > duration(self.a)"),
        (TEXTS, "timestamp(self.a).getHours() < 12 && int(self.b) > 3"),
        (TEXTS, "self.a in ['a', 'b', 'c']"),
    ],
)
def test_keys_cost_nothing_and_lengths_of_time_one_step_each(item: Object, rule: str) -> None:
    """As upstream: published definitions, Gateway API's among them, have such rules within lists."""
    some = {**item, "maxProperties": 64} if "additionalProperties" in item else item
    schema: Object = {
        "type": "object",
        "properties": {"x": {"type": "array", "maxItems": 64, "items": ruled(some, rule)}},
    }
    assert complaints(schema) == []


def test_a_message_is_to_be_a_text() -> None:
    (found,) = complaints(spec("self.x > 0", messageExpression="self.x"))
    assert "messageExpression must evaluate to a string" in found
    (found,) = complaints(spec("self.x > 0", optionalOldSelf=True))
    assert "may not be set if oldSelf is not used in rule" in found


def test_what_breaks_a_rule_is_told_so() -> None:
    assert broken(spec("self.x + self.y > 0"), {"x": 1, "y": 0}) == []
    assert broken(spec("self.x > 0"), {"x": 0}) == ["spec: Invalid value: failed rule: self.x > 0"]
    said = spec(
        "self.x > 0", messageExpression="'x is %d'.format([self.x])", reason="FieldValueForbidden", fieldPath=".x"
    )
    assert broken(said, {"x": 0}) == ["spec.x: Forbidden: x is 0"]
    assert broken(spec("self.x > 0", message="more"), {"y": 0}) == [
        "spec: Invalid value: no such key: x evaluating rule: self.x > 0"
    ]


def test_a_transition_is_held_to_what_was_before() -> None:
    schema = spec("self.x >= oldSelf.x")
    assert broken(schema, {"x": 1}) == []
    assert broken(schema, {"x": 2}, {"x": 1}) == []
    assert len(broken(schema, {"x": 0}, {"x": 1})) == 1
    first = spec("oldSelf.hasValue() || self.x == 0", optionalOldSelf=True)
    assert len(broken(first, {"x": 1})) == 1
    assert broken(first, {"x": 1}, {"x": 0}) == []


def test_what_broke_a_rule_before_may_stay_as_it_is() -> None:
    schema = spec("self.x > 0")
    assert broken(schema, {"x": 0}, {"x": 0}) == []
    assert len(broken(schema, {"x": 0, "y": 1}, {"x": 0})) == 1


def test_formats_and_odd_names_reach_the_rules() -> None:
    assert len(broken(spec("self.foo__dash__bar < duration('1h')"), {"foo-bar": "90m"})) == 1
    assert broken(spec("self.when > timestamp('2026-01-01T00:00:00Z')"), {"when": "2026-11-26T00:00:00Z"}) == []
    assert broken(spec("self.labels['a-b'] == 'c'"), {"labels": {"a-b": "c"}}) == []


def test_a_rule_that_goes_on_and_on_hangs_nobody() -> None:
    (found,) = broken(spec("self.names.all(x, self.names.all(y, y == x))"), {"names": ["a"] * 725})
    assert "call cost exceeds limit" in found
