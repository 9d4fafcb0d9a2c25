from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.objects import golden
from wherry.objects import definitions, patch, schema
from wherry.objects.errors import ApiError, BadRequest, Invalid

POD = definitions.of_kind(("", "v1", "Pod"))


@pytest.mark.parametrize(("case", "answer"), golden.table("strategic.json"))
def test_a_strategic_merge_gives_what_go_gives(case: list[Any], answer: dict[str, Any]) -> None:
    kind, original, change = case
    api_version, kind = kind.split()
    gvk = definitions.gvk_of({"apiVersion": api_version, "kind": kind})
    untouched = copy.deepcopy((original, change))
    if "error" in answer:
        with pytest.raises(ApiError) as caught:
            patch.strategic_merge(original, change, definitions.of_kind(gvk))
        assert caught.value.message in (
            answer["error"],
            "the server rejected our request due to an error in our request",
        )
    else:
        patched = schema.typed(patch.strategic_merge(original, change, definitions.of_kind(gvk)), gvk)[0]
        assert patched == schema.typed(answer["result"], gvk)[0]
    assert (original, change) == untouched


def test_a_strategic_merge_into_a_kind_without_a_schema_is_refused() -> None:
    with pytest.raises(BadRequest, match="strategic merge patch format is not supported"):
        patch.strategic_merge({}, {}, None)


def test_json_patch_operations_apply_in_order() -> None:
    obj = {"metadata": {"labels": {"a": "1"}}, "spec": {"ports": [{"port": 80}]}}
    result = patch.json_patch(
        obj,
        [
            {"op": "test", "path": "/metadata/labels/a", "value": "1"},
            {"op": "add", "path": "/spec/ports/-", "value": {"port": 81}},
            {"op": "replace", "path": "/spec/ports/0/port", "value": 82},
            {"op": "add", "path": "/metadata/labels/example.com~1x", "value": "y"},
            {"op": "remove", "path": "/metadata/labels/a"},
        ],
    )
    assert result == {"metadata": {"labels": {"example.com/x": "y"}}, "spec": {"ports": [{"port": 82}, {"port": 81}]}}
    assert obj["spec"] == {"ports": [{"port": 80}]}


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "remove", "path": "/nope"},
        {"op": "replace", "path": "/spec/nope", "value": 1},
        {"op": "test", "path": "/spec", "value": 1},
        {"op": "add", "path": "/a/b/c", "value": 1},
        {"op": "add", "path": "/list/9", "value": 1},
        {"op": "fly", "path": "/spec"},
        {"op": "add", "path": "no-slash", "value": 1},
        {"path": "/spec"},
        {},
    ],
)
def test_a_json_patch_that_cannot_be_applied_is_invalid(operation: dict[str, Any]) -> None:
    with pytest.raises(Invalid, match="the server rejected our request due to an error in our request"):
        patch.json_patch({"spec": {}, "list": []}, [operation])


def test_a_json_patch_must_be_a_list_and_not_endless() -> None:
    with pytest.raises(BadRequest, match=r"cannot unmarshal object into Go value of type jsonpatch\.Patch"):
        patch.json_patch({}, {"op": "add"})
    with pytest.raises(ApiError, match="The allowed maximum operations in a JSON patch is 10000, got 10001") as caught:
        patch.json_patch({}, [{"op": "test", "path": "", "value": {}}] * 10001)
    assert caught.value.code == 413


@pytest.mark.parametrize(
    ("obj", "change", "result"),
    [  # the examples of RFC 7386, appendix A, whose target is an object
        ({"a": "b"}, {"a": "c"}, {"a": "c"}),
        ({"a": "b"}, {"b": "c"}, {"a": "b", "b": "c"}),
        ({"a": "b"}, {"a": None}, {}),
        ({"a": "b", "b": "c"}, {"a": None}, {"b": "c"}),
        ({"a": ["b"]}, {"a": "c"}, {"a": "c"}),
        ({"a": "c"}, {"a": ["b"]}, {"a": ["b"]}),
        ({"a": {"b": "c"}}, {"a": {"b": "d", "c": None}}, {"a": {"b": "d"}}),
        ({"a": [{"b": "c"}]}, {"a": [1]}, {"a": [1]}),
        ({"e": None}, {"a": 1}, {"e": None, "a": 1}),
        ({}, {"a": {"bb": {"ccc": None}}}, {"a": {"bb": {}}}),
    ],
)
def test_a_merge_patch_follows_the_rfc(obj: dict[str, Any], change: dict[str, Any], result: dict[str, Any]) -> None:
    untouched = copy.deepcopy((obj, change))
    assert patch.merge_patch(obj, change) == result
    assert (obj, change) == untouched


@pytest.mark.parametrize("change", [[], "x", 1, None])
def test_a_merge_patch_must_be_an_object(change: Any) -> None:
    with pytest.raises(BadRequest, match="Invalid JSON Patch"):
        patch.merge_patch({}, change)


LEAVES = st.none() | st.booleans() | st.integers() | st.text(max_size=3)
TREES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner))
OBJECTS = st.dictionaries(st.sampled_from("abcd"), TREES, max_size=4)


@given(OBJECTS, OBJECTS)
def test_a_merge_patch_applied_twice_changes_nothing_more(obj: dict[str, Any], change: dict[str, Any]) -> None:
    once = patch.merge_patch(obj, change)
    assert patch.merge_patch(once, change) == once


NAMES = st.lists(st.sampled_from("abcdef"), unique=True, max_size=6)


def pod_with(names: list[str], image: str = "1") -> dict[str, Any]:
    return {"spec": {"containers": [{"name": name, "image": image} for name in names]}}


def names_in(obj: dict[str, Any]) -> list[str]:
    return [c["name"] for c in obj["spec"].get("containers", [])]


@given(NAMES, NAMES)
def test_a_strategic_merge_keeps_every_element_once(live: list[str], changed: list[str]) -> None:
    result = patch.strategic_merge(pod_with(live), pod_with(changed, "2"), POD)
    assert sorted(names_in(result)) == sorted({*live, *changed})
    for container in result["spec"]["containers"]:
        assert container["image"] == ("2" if container["name"] in changed else "1")


@given(NAMES, NAMES)
def test_a_strategic_merge_keeps_both_orders(live: list[str], changed: list[str]) -> None:
    result = names_in(patch.strategic_merge(pod_with(live), pod_with(changed), POD))
    assert [n for n in result if n in changed] == changed
    assert [n for n in result if n not in changed] == [n for n in live if n not in changed]


@given(NAMES, NAMES)
def test_element_order_and_deletions_give_what_an_apply_wants(live: list[str], wanted: list[str]) -> None:
    """The patch kubectl apply computes turns any live list into the wanted one."""
    spec = {
        "$setElementOrder/containers": [{"name": n} for n in wanted],
        "containers": [{"name": n, "image": "2"} for n in wanted]
        + [{"name": n, "$patch": "delete"} for n in live if n not in wanted],
    }
    result = patch.strategic_merge(pod_with(live), {"spec": spec}, POD)
    assert result["spec"]["containers"] == pod_with(wanted, "2")["spec"]["containers"]
