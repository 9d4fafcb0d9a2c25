from __future__ import annotations

from typing import Any

import pytest

from tests.objects import golden
from wherry.objects import selectors
from wherry.objects.errors import BadRequest


@pytest.mark.parametrize(("given", "answer"), golden.table("selectors.json"))
def test_label_selectors_parse_or_fail_as_in_go(given: list[str], answer: dict[str, Any]) -> None:
    if "error" in answer:
        with pytest.raises(BadRequest) as caught:
            selectors.parse_labels(given[0])
        assert caught.value.message == answer["error"]
    else:
        assert str(selectors.parse_labels(given[0])) == answer["result"]


@pytest.mark.parametrize(
    ("text", "labels", "selected"),
    [
        ("app=a", {"app": "a"}, True),
        ("app=a", {"app": "b"}, False),
        ("app=a", {}, False),
        ("app!=a", {}, True),
        ("app!=a", {"app": "a"}, False),
        ("app", {"app": ""}, True),
        ("!app", {"app": ""}, False),
        ("!app", {"b": "c"}, True),
        ("app in (a,b)", {"app": "b"}, True),
        ("app notin (a,b)", {"app": "b"}, False),
        ("app notin (a,b)", {}, True),
        ("n>5", {"n": "6"}, True),
        ("n>5", {"n": "5"}, False),
        ("n<5", {"n": "x"}, False),
        ("n<5", {}, False),
        ("a=1,b=2", {"a": "1", "b": "2", "c": "3"}, True),
        ("a=1,b=2", {"a": "1"}, False),
        ("", {"a": "1"}, True),
    ],
)
def test_a_selector_selects_by_all_its_terms(text: str, labels: dict[str, str], selected: bool) -> None:
    assert selectors.parse_labels(text).matches(labels) is selected


def test_a_missing_selector_object_selects_nothing_and_an_empty_one_everything() -> None:
    assert not selectors.from_object(None).matches({"a": "b"})
    assert selectors.from_object({}).matches(None)
    assert selectors.from_object({}).everything
    assert not selectors.from_object(None).everything


def test_a_selector_object_joins_labels_and_expressions() -> None:
    selector = selectors.from_object(
        {"matchLabels": {"app": "a"}, "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x", "w"]}]}
    )
    assert selector.matches({"app": "a", "tier": "y"})
    assert not selector.matches({"app": "a", "tier": "x"})
    assert str(selector) == "app=a,tier notin (w,x)"


def test_a_selector_object_with_an_unknown_operator_is_refused_by_name() -> None:
    with pytest.raises(BadRequest, match='"Like" is not a valid label selector operator'):
        selectors.from_object({"matchExpressions": [{"key": "a", "operator": "Like"}]})


def test_a_service_selector_matches_exact_labels() -> None:
    assert selectors.from_labels({"app": "a"}).matches({"app": "a", "b": "c"})
    assert str(selectors.from_labels({"b": "2", "a": "1"})) == "a=1,b=2"


def test_field_selectors_compare_what_the_reader_gives() -> None:
    fields = {"metadata.name": "a", "status.phase": "Running"}
    read = fields.__getitem__
    assert selectors.parse_fields("metadata.name=a,status.phase!=Pending").matches(read)
    assert not selectors.parse_fields("metadata.name==a,status.phase!=Running").matches(read)
    assert selectors.parse_fields("").matches(read)


def test_field_selector_values_may_hold_escaped_separators() -> None:
    selector = selectors.parse_fields(r"a=x\,y\=z\\")
    assert selector.terms == (("a", True, "x,y=z\\"),)
    assert selectors.parse_fields(str(selector)) == selector


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("name", "invalid selector: 'name'; can't understand 'name'"),
        ("a=b=c", "invalid field selector: unescaped character in value: 61"),
        (r"a=\x", r"invalid field selector: invalid escape sequence: \x"),
        ("a=b\\", "invalid field selector: invalid escape sequence: \\"),
    ],
)
def test_a_malformed_field_selector_is_a_bad_request(text: str, message: str) -> None:
    with pytest.raises(BadRequest) as caught:
        selectors.parse_fields(text)
    assert caught.value.message == message


def test_a_field_selector_tells_the_one_name_it_needs() -> None:
    assert selectors.parse_fields("metadata.name=a").required("metadata.name") == "a"
    assert selectors.parse_fields("metadata.name!=a").required("metadata.name") is None
    assert selectors.parse_fields("metadata.name=a,x!=y").paths == ["metadata.name", "x"]
