"""The objects of one kind in memory: order, selection, older versions."""

from __future__ import annotations

import random

import pytest

from wherry.apiserver.kinds import KINDS
from wherry.apiserver.state.change import Change
from wherry.apiserver.state.collection import Collection
from wherry.apiserver.state.selection import Selection, select
from wherry.apiserver.state.window import Windows
from wherry.objects import Object, metadata, schema
from wherry.objects.errors import BadRequest, Expired
from wherry.objects.resource import PODS

POD = next(kind for kind in KINDS if kind.resource == PODS)


def pod(namespace: str, name: str, revision: int, *, node: str = "", **labels: str) -> Object:
    """A pod as it is stored: with all that decoding writes."""
    metadata = {"namespace": namespace, "name": name, "uid": name, "resourceVersion": str(revision), "labels": labels}
    made = {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": {"nodeName": node} if node else {}}
    return schema.typed(made, ("", "v1", "Pod"))[0]


def names(objects: object) -> list[str]:
    return ["/".join(metadata.key(obj)) for obj in objects]  # type: ignore[attr-defined]


class History:
    """A collection that is written to, and what it was after each write."""

    def __init__(self) -> None:
        self.collection = Collection(POD)
        self.states: list[dict[tuple[str, str], Object]] = [{}]

    def write(self, key: tuple[str, str], new: Object | None) -> None:
        revision = len(self.states)
        if new is not None:
            new["metadata"]["resourceVersion"] = str(revision)
        state = dict(self.states[-1])
        self.collection.apply(Change(revision, key, state.pop(key, None), new))
        if new is not None:
            state[key] = new
        self.states.append(state)


def test_items_are_in_key_order_across_and_within_namespaces() -> None:
    history = History()
    for namespace, name in (("b", "x"), ("a", "z"), ("a", "y"), ("c", "a")):
        history.write((namespace, name), pod(namespace, name, 0))
    assert names(history.collection.items()) == ["a/y", "a/z", "b/x", "c/a"]
    assert names(history.collection.items("a")) == ["a/y", "a/z"]
    assert names(history.collection.items("nowhere")) == []
    assert names(history.collection.items(None, ("a", "y"))) == ["a/z", "b/x", "c/a"]
    assert names(history.collection.items("a", ("a", "y"))) == ["a/z"]
    assert len(history.collection) == 4


def test_removing_the_last_object_of_a_namespace_forgets_the_namespace() -> None:
    history = History()
    history.write(("a", "x"), pod("a", "x", 0))
    history.write(("a", "x"), None)
    assert names(history.collection.items()) == []
    assert len(history.collection) == 0
    history.write(("a", "x"), pod("a", "x", 0))
    assert names(history.collection.items()) == ["a/x"]


def test_selections_combine_namespace_labels_and_fields() -> None:
    history = History()
    for name, node in (("a", "n1"), ("b", "n2"), ("c", "n1")):
        history.write(("demo", name), pod("demo", name, 0, node=node, app=name))
    history.write(("other", "d"), pod("other", "d", 0, node="n1"))

    def chosen(namespace: str | None, labels: str = "", fields: str = "") -> list[str]:
        return names(history.collection.select(select(POD, namespace, labels, fields)))

    assert chosen(None, fields="spec.nodeName=n1") == ["demo/a", "demo/c", "other/d"]
    assert chosen("demo", fields="spec.nodeName=n1") == ["demo/a", "demo/c"]
    assert chosen("demo", "app!=a", "spec.nodeName=n1") == ["demo/c"]
    assert chosen("demo", fields="metadata.name=b") == ["demo/b"]
    assert chosen("demo", fields="metadata.name=b,spec.nodeName=n1") == []
    assert chosen(None, fields="metadata.name=d") == ["other/d"]


def test_an_unknown_field_is_refused_in_the_words_of_kubernetes() -> None:
    with pytest.raises(BadRequest, match=r"^field label not supported: spec\.image$"):
        select(POD, None, "", "spec.image=x")


def test_any_older_version_is_put_together_again() -> None:
    """Random writes, then every state that ever was is compared with a plain record of it."""
    random.seed(7)
    history = History()
    for _ in range(300):
        key = random.choice("ab"), random.choice("xyz")
        current = history.states[-1].get(key)
        history.write(key, None if current and random.random() < 0.4 else pod(*key, 0))
    everything = Selection()
    for revision, state in enumerate(history.states):
        found = history.collection.select_at(revision, everything)
        assert {metadata.key(obj): obj for obj in found} == state
        assert names(found) == sorted(names(found))


def test_a_version_that_is_forgotten_is_expired() -> None:
    window = Windows(length=4).open(0)
    for revision in range(1, 20):
        window.append(Change(revision, ("", "x"), None, None))
    with pytest.raises(Expired):
        window.since(3)
    assert [change.revision for change in window.since(17)] == [18, 19]
    assert window.since(19) == []
    assert window.since(100) == []


def test_a_window_is_bounded_by_bytes_too() -> None:
    window = Windows(length=1000, size=100).open(0)
    for revision in range(1, 100):
        window.append(Change(revision, ("", "x"), None, None, 30))
    with pytest.raises(Expired):
        window.since(90)
    assert [change.revision for change in window.since(97)] == [98, 99]
    window.append(Change(100, ("", "x"), None, None, 10_000))
    assert [change.revision for change in window.since(99)] == [100]


def test_windows_share_their_room_and_forget_the_oldest_changes_whoevers_they_are() -> None:
    """So much for all kinds together: with a room for each of fifty the server would grow to fifty times that."""
    windows = Windows(length=1000, size=100)
    still, busy, other = windows.open(0), windows.open(0), windows.open(0)
    other.append(Change(1, ("", "x"), None, None, 30))
    for revision in range(2, 50):
        busy.append(Change(revision, ("", "x"), None, None, 30))
    assert [change.revision for change in busy.since(46)] == [47, 48, 49]
    with pytest.raises(Expired):
        busy.since(45)
    with pytest.raises(Expired):
        other.since(0)
    assert other.since(1) == []
    assert still.since(0) == []  # nothing of it is forgotten
