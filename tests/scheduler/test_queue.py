"""The order in which pods are tried, and when one that was refused is tried again."""

from __future__ import annotations

import asyncio
from typing import Any

from tests.scheduler.builders import pod
from wherry.scheduler.config import SchedulerConfig
from wherry.scheduler.plugin import Event
from wherry.scheduler.pod import Pod
from wherry.scheduler.profile import FILTERS
from wherry.scheduler.queue import Queue


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def make(**config: Any) -> tuple[Queue, Clock]:
    clock = Clock()
    return Queue(SchedulerConfig(**({"first_backoff": 1.0, "longest_backoff": 8.0} | config)), clock), clock


def take(queue: Queue) -> str:
    waiting = queue.pop()
    return waiting.pod.key[1] if waiting else ""


def test_higher_priority_comes_first_then_the_first_to_come() -> None:
    queue, _ = make()
    for name, priority in (("a", 0), ("b", 0), ("c", 100)):
        queue.put(Pod(pod(name, priority=priority)))
    assert [take(queue) for _ in range(4)] == ["c", "a", "b", ""]


def test_a_refused_pod_waits_for_an_event_that_helps_and_for_its_pause() -> None:
    queue, clock = make()
    queue.put(Pod(pod("a")))
    waiting = queue.pop()
    assert waiting is not None
    queue.refuse(waiting, frozenset({"NodeResourcesFit"}))
    clock.now = 5.0
    queue.happened(Event.NODE_LABELS)
    assert take(queue) == ""
    queue.happened(Event.POD_REMOVED)
    assert take(queue) == "a"
    queue.refuse(waiting, frozenset({"NodeResourcesFit"}))
    queue.happened(Event.POD_REMOVED)
    clock.now = 6.9
    assert take(queue) == ""
    clock.now = 7.0
    assert take(queue) == "a"


def test_pauses_double_up_to_the_longest() -> None:
    queue, clock = make()
    queue.put(Pod(pod("a")))
    pauses = []
    for _ in range(6):
        waiting = queue.pop()
        assert waiting is not None
        queue.retry(waiting)
        pauses.append(waiting.not_before - clock.now)
        clock.now = waiting.not_before
    assert pauses == [1, 2, 4, 8, 8, 8]


def test_without_nodes_a_pod_waits_for_the_first_one() -> None:
    queue, _ = make(first_backoff=0.0)
    queue.put(Pod(pod("a")))
    waiting = queue.pop()
    assert waiting is not None
    queue.refuse(waiting, frozenset())
    queue.happened(Event.POD_REMOVED)
    assert take(queue) == ""
    queue.happened(Event.NODE_ADDED)
    assert take(queue) == "a"


def test_nothing_waits_for_ever() -> None:
    queue, clock = make(retry_all=300.0)
    queue.put(Pod(pod("a")))
    waiting = queue.pop()
    assert waiting is not None
    queue.refuse(waiting, frozenset({"NodeAffinity"}))
    clock.now = 300.9
    assert take(queue) == ""
    clock.now = 301.0
    assert take(queue) == "a"


def test_a_pod_whose_needs_changed_is_tried_at_once_but_not_for_a_new_status() -> None:
    queue, _ = make()
    queue.put(Pod(pod("a", cpu="64")))
    waiting = queue.pop()
    assert waiting is not None
    queue.refuse(waiting, frozenset({"NodeResourcesFit"}))
    queue.put(Pod(pod("a", cpu="64") | {"status": {"phase": "Pending", "conditions": [{"type": "X"}]}}))
    assert take(queue) == ""
    queue.put(Pod(pod("a", cpu="1")))
    assert take(queue) == "a"


def test_a_removed_pod_is_never_handed_out_again() -> None:
    queue, _ = make()
    queue.put(Pod(pod("a")))
    queue.put(Pod(pod("b")))
    queue.remove("uid-a")
    assert take(queue) == "b"
    assert len(queue) == 1


async def test_waiting_ends_when_a_pause_does() -> None:
    queue = Queue(SchedulerConfig(first_backoff=0.005), asyncio.get_running_loop().time)
    queue.put(Pod(pod("a")))
    waiting = queue.pop()
    assert waiting is not None
    queue.retry(waiting)
    await asyncio.wait_for(queue.wait(), 20)
    assert take(queue) == "a"


def test_every_filter_says_what_may_change_its_mind() -> None:
    assert all(Event.NODE_ADDED in f.helped_by for f in FILTERS)


def test_no_two_filters_have_one_name() -> None:
    assert len({f.name for f in FILTERS}) == len(FILTERS)
