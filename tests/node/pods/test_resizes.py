"""The node's room is given in turn, and again when some comes free."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from tests.node.build import container, pod
from wherry.node.pods.plan import allocation
from wherry.node.pods.plan.state import Pending, State
from wherry.node.pods.resizes import Resizes
from wherry.node.pods.worker import PodWorker
from wherry.objects import Object


def sized(name: str, cpu: str, **spec: Any) -> Object:
    return pod(container(resources={"requests": {"cpu": cpu}}), meta={"name": name, "uid": name}, **spec)


class Worker:
    """What `Resizes` asks of a worker, without anything that works."""

    def __init__(self, first: Object):
        self.pod = first
        self.state = State(allocated=allocation.wanted(first))

    @property
    def uid(self) -> str:
        return str(self.pod["metadata"]["uid"])

    @property
    def wants_resize(self) -> bool:
        return allocation.is_asked(self.pod, self.state.allocated)

    def allocated_pod(self) -> Object:
        return allocation.with_allocated(self.pod, self.state.allocated)

    def allocate(self) -> None:
        self.state = replace(self.state, allocated=allocation.wanted(self.pod), pending=None)

    def postpone(self, reason: str, message: str) -> None:
        self.state = replace(self.state, pending=Pending(reason, message, 1, 0.0))


class Node:
    """A node of four CPUs; `change` is a new version of a pod, None its end."""

    def __init__(self) -> None:
        self.workers: dict[str, Worker] = {}
        workers = cast("dict[str, PodWorker]", self.workers)
        self.resizes = Resizes({"cpu": 4000, "memory": 1 << 30}, workers, self.others)

    def others(self, uid: str) -> list[Object]:
        return [worker.allocated_pod() for worker in self.workers.values() if worker.uid != uid]

    def change(self, name: str, cpu: str | None, **spec: Any) -> None:
        if cpu is None:
            del self.workers[name]
        elif name in self.workers:
            self.workers[name].pod = sized(name, cpu, **spec)
        else:
            self.workers[name] = Worker(sized(name, cpu, **spec))
        self.resizes.changed(name)

    def has(self, name: str) -> str:
        given = self.workers[name].state.allocated["web"]["requests"]["cpu"]
        waits = self.workers[name].state.pending
        return f"{given} {waits.reason}" if waits else str(given)


def test_one_waits_until_another_has_gone() -> None:
    node = Node()
    node.change("a", "1")
    node.change("b", "2")
    node.change("a", "3")
    assert node.has("a") == "1 Deferred"
    node.change("b", None)
    assert node.has("a") == "3"


def test_one_waits_until_another_has_shrunk() -> None:
    node = Node()
    for name, cpu in (("a", "1"), ("b", "3"), ("a", "2")):
        node.change(name, cpu)
    assert node.has("a") == "1 Deferred"
    node.change("b", "2")
    assert (node.has("a"), node.has("b")) == ("2", "2")


def test_the_more_important_comes_first() -> None:
    node = Node()
    node.change("rest", "3")
    for name, priority in (("a", 1), ("b", 2)):
        node.change(name, "500m", priority=priority)
    node.change("a", "2", priority=1)
    node.change("b", "2", priority=2)
    node.change("rest", "1")
    assert (node.has("a"), node.has("b")) == ("500m Deferred", "2")


def test_what_can_never_be_is_tried_again_only_when_it_is_another() -> None:
    node = Node()
    node.change("a", "1")
    node.change("a", "5")
    assert node.has("a") == "1 Infeasible"
    node.change("a", "4")
    assert node.has("a") == "4"
