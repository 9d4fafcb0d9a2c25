"""Who is told of a change, and what."""

from __future__ import annotations

import asyncio
import random

from tests.apiserver.state.test_collection import POD, History, pod
from wherry.apiserver.state import watches
from wherry.apiserver.state.change import Change
from wherry.apiserver.state.selection import select
from wherry.apiserver.state.watches import Watch


def opened(history: History, namespace: str | None = None, labels: str = "", fields: str = "") -> Watch:
    return history.collection.watch(select(POD, namespace, labels, fields), None)


async def told(watch: Watch) -> list[tuple[str, str]]:
    async with asyncio.timeout(1):
        return [(event.type, event.object["metadata"]["name"]) for event in await watch.take()]


async def test_an_object_that_enters_or_leaves_the_selection_is_added_or_deleted() -> None:
    history = History()
    watch = opened(history, "demo", "app=a")
    history.write(("demo", "x"), pod("demo", "x", 0, app="b"))
    history.write(("demo", "x"), pod("demo", "x", 0, app="a"))
    history.write(("demo", "x"), pod("demo", "x", 0, app="a", more="1"))
    history.write(("demo", "x"), pod("demo", "x", 0, app="b"))
    history.write(("demo", "x"), None)
    assert await told(watch) == [("ADDED", "x"), ("MODIFIED", "x"), ("DELETED", "x")]


async def test_a_deletion_carries_the_last_state_and_the_version_of_the_deletion() -> None:
    history = History()
    watch = opened(history)
    history.write(("demo", "x"), pod("demo", "x", 0, app="a"))
    history.write(("demo", "x"), None)
    _, deleted = await watch.take()
    assert deleted.object["metadata"]["labels"] == {"app": "a"}
    assert deleted.object["metadata"]["resourceVersion"] == "2"
    assert history.states[1]["demo", "x"]["metadata"]["resourceVersion"] == "1"


async def test_a_watch_of_one_node_is_not_even_asked_about_others() -> None:
    history = History()
    mine, others = opened(history, fields="spec.nodeName=n1"), opened(history, fields="spec.nodeName=n2")
    pushed: list[Watch] = []
    for watch in (mine, others):
        push = watch.push
        watch.push = lambda change, w=watch, p=push: (pushed.append(w), p(change))  # type: ignore[method-assign]
    history.write(("demo", "x"), pod("demo", "x", 0, node="n1"))
    assert pushed == [mine]
    assert await told(mine) == [("ADDED", "x")]


async def test_a_pod_that_gets_its_node_enters_that_nodes_watch() -> None:
    history = History()
    watch = opened(history, fields="spec.nodeName=n1")
    history.write(("demo", "x"), pod("demo", "x", 0))
    history.write(("demo", "x"), pod("demo", "x", 0, node="n1"))
    assert await told(watch) == [("ADDED", "x")]


async def test_an_ended_watch_is_told_nothing_more_and_leaves_no_trace() -> None:
    history = History()
    for namespace, fields in ((None, ""), ("demo", ""), (None, "metadata.name=x")):
        watch = opened(history, namespace, fields=fields)
        watch.end()
        history.write(("demo", "x"), pod("demo", "x", 0))
        assert await watch.take() == []
        watch.end()
    assert len(history.collection.watches) == 0


async def test_a_watcher_that_falls_behind_is_let_go(monkeypatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setattr(watches, "LONGEST_BACKLOG", 10)
    history = History()
    watch = opened(history)
    for _ in range(20):
        history.write(("demo", "x"), pod("demo", "x", 0))
    assert watch.ended
    assert len(await watch.take()) == 11
    assert await watch.take() == []


async def test_an_event_is_encoded_once_for_all_watchers() -> None:
    history = History()
    one, two = opened(history), opened(history, "demo")
    history.write(("demo", "x"), pod("demo", "x", 0))
    calls = []

    def encode() -> bytes:
        calls.append(1)
        return b"x"

    for watch in (one, two):
        (event,) = await watch.take()
        assert event.change.encoded("form", encode) == b"x"
    assert calls == [1]


async def test_watches_kept_by_what_they_ask_for_see_what_a_plain_test_of_each_would_show() -> None:
    """Random watches and writes; the index is only a faster way to the same events."""
    random.seed(11)
    history = History()
    open_watches = [
        opened(history, random.choice([None, "a", "b"]), random.choice(["", "app=1"]), random.choice(FIELDS))
        for _ in range(60)
    ]
    plain: dict[Watch, list[tuple[str, str]]] = {watch: [] for watch in open_watches}
    for _ in range(300):
        key = random.choice("ab"), random.choice("xyz")
        old = history.states[-1].get(key)
        node, label = random.choice(["", "n1", "n2"]), random.choice("12")
        new = None if old and random.random() < 0.3 else pod(*key, 0, node=node, app=label)
        history.write(key, new)
        change = Change(len(history.states) - 1, key, old, new)
        for watch, events in plain.items():
            if event := change.event(watch.selection.matches):
                events.append((event[0], event[1]["metadata"]["name"]))
    for watch, events in plain.items():
        assert (await told(watch) if events else []) == events


FIELDS = ["", "spec.nodeName=n1", "spec.nodeName!=n1", "metadata.name=x", "metadata.name!=x,spec.nodeName=n2"]
