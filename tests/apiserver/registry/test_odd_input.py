"""Whatever stands where in an object: it is stored in a form everybody can read, or refused with a reason."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.apiserver.kinds.pipeline import World, accepted, kind_of, write
from tests.apiserver.registry import specimens
from tests.apiserver.registry.specimens import replaced, uncovered
from wherry.objects import Object, patch, protobuf
from wherry.objects.definitions import gvk_of, of_kind
from wherry.objects.errors import ApiError

SPECIMENS = specimens.specimens()
_IDENTITY = {("apiVersion",), ("kind",), ("metadata",), ("metadata", "name"), ("metadata", "namespace")}
ODD: list[Any] = [None, "", 0, -1, "x/y z", "9" * 40, True, 1.5, 2**63, [], {}, [None], [{}], [[{}]], ["a", "a"]]
ODD += [{"a": None}, {"a": "b"}, {"name": None}, [{"name": 1}]]
DIRECTIVES: list[Any] = [
    {"$patch": "delete"},
    {"$patch": 1},
    [{"$patch": "replace"}],
    [{"$patch": "delete", "name": "c"}],
    {"$retainKeys": ["x"]},
    {"$retainKeys": 1},
    {"$setElementOrder/containers": [{"name": "c"}]},
    {"$setElementOrder/containers": 1},
    {"$deleteFromPrimitiveList/finalizers": ["a"]},
    {"$deleteFromPrimitiveList/finalizers": 1},
]


def places(obj: Object) -> list[tuple[Any, ...]]:
    """Return the paths of all values but those that say which object it is, which `identity` sees to."""
    return [path for path in specimens.places(obj) if path not in _IDENTITY]


def read(stored: Object) -> None:
    """Read a stored object in every way a client can: as a row, by fields, in each version, as protobuf."""
    kind = kind_of(stored)
    for column in kind.columns:
        column.cell(stored)
    for getter in kind.fields.values():
        assert isinstance(getter(stored), str)
    for conversion in kind.conversions.values():
        conversion.from_storage(stored)
    protobuf.encode(stored)


def survives(obj: Object, old: Object | None) -> None:
    """Create `obj`, and replace `old` by it: nothing but a refusal may come of it, and what is stored can be read."""
    for before in [None] if old is None else [None, old]:
        try:
            stored, errors = write(obj, before, World())
        except ApiError:
            continue
        if not errors:
            read(stored)


def test_there_is_a_specimen_of_every_kind() -> None:
    assert uncovered() == {"CustomResourceDefinition"}, "which is refused by name"


@pytest.mark.parametrize("obj", SPECIMENS, ids=lambda o: f"{o['kind']}/{o['apiVersion']}")
def test_a_null_anywhere_is_dropped_or_refused(obj: Object) -> None:
    """And so is a null in the place of a map's value, of a list's item, and of a field that is required."""
    old = accepted(obj, None, World())
    for path in places(obj):
        survives(replaced(obj, path, None), old)


@settings(max_examples=600)
@given(st.data())
def test_odd_values_anywhere_are_taken_or_refused(data: st.DataObject) -> None:
    """Of the wrong type, empty, negative, too large, twice, or several of that at once."""
    obj = data.draw(st.sampled_from(SPECIMENS))
    old = accepted(obj, None, World())
    for _ in range(data.draw(st.integers(1, 3))):
        if paths := places(obj):
            obj = replaced(obj, data.draw(st.sampled_from(paths)), data.draw(st.sampled_from(ODD)))
    survives(obj, old)


def _operations(data: st.DataObject, path: tuple[Any, ...]) -> Any:
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
    place = st.sampled_from([pointer, f"{pointer}/-", f"{pointer}/x", f"{pointer}/0", "", "x", 1, None, "/~2"])
    verb = st.sampled_from(["add", "replace", "remove", "test", "move", "copy", "bad", 1, None])
    operation = st.fixed_dictionaries(
        {"op": verb, "path": place}, optional={"value": st.sampled_from(ODD), "from": place}
    )
    return data.draw(st.lists(operation | st.sampled_from([1, None, []]), max_size=3) | st.sampled_from(ODD))


def _nested(path: tuple[Any, ...], value: Any) -> Any:
    for key in reversed([step for step in path if isinstance(step, str)]):
        value = {key: value}
    return value


def _at(obj: Any, path: tuple[str, ...]) -> Any:
    for key in path:
        obj = obj.get(key) if isinstance(obj, dict) else None
    return obj


def _patched(data: st.DataObject, obj: Object) -> Iterator[Object]:
    path = data.draw(st.sampled_from(places(obj) or [("metadata", "labels")]))
    yield patch.json_patch(obj, _operations(data, path))
    odd = _nested(path, data.draw(st.sampled_from(ODD + DIRECTIVES)))
    yield patch.merge_patch(obj, odd)
    yield patch.strategic_merge(obj, odd, of_kind(gvk_of(obj)))


@settings(max_examples=400)
@given(st.data())
def test_odd_patches_are_applied_or_refused(data: st.DataObject) -> None:
    """Each kind of patch raises nothing but refusals, and what it makes of an object is an object or refused."""
    obj = data.draw(st.sampled_from(SPECIMENS))
    old = accepted(obj, None, World())
    patches = _patched(data, old)
    while True:
        try:
            new = next(patches, None)
        except ApiError:
            break  # a malformed patch; strategic ones get a 500 of their own for it, as upstream
        if new is None:
            break
        if all(_at(new, path) == _at(old, path) for path in _IDENTITY - {("metadata",)}):
            survives(new, old)
