"""Following all that is served, as it comes and goes, whatever the server does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from tests.fake.client import FakeClient
from wherry.component.component import Component
from wherry.component.everything import Everything
from wherry.objects import Object
from wherry.objects.errors import ServiceUnavailable
from wherry.objects.resource import CONFIG_MAPS, EVENTS, Resource

WIDGETS = Resource("example.com", "v1", "widgets", "Widget")


def obj(resource: Resource, name: str, **labels: str) -> Object:
    metadata = {"name": name, "namespace": "demo", "labels": labels}
    return {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": metadata}


class Seen:
    """What an `Everything` tells."""

    def __init__(self, everything: Everything):
        self.objects: list[tuple[str, bool]] = []
        self.sets: list[list[Resource]] = []
        everything.subscribe(self.object, self.set)

    def object(self, resource: Resource, old: Object | None, new: Object | None) -> None:
        self.objects.append(((new or old or {})["metadata"]["name"], new is not None))

    def set(self, added: Sequence[Resource]) -> None:
        self.sets.append(list(added))


async def until(holds: Callable[[], object]) -> None:
    deadline = asyncio.get_running_loop().time() + 5
    while not holds():
        assert asyncio.get_running_loop().time() < deadline, "the condition never came true"
        await asyncio.sleep(0.002)


@contextlib.asynccontextmanager
async def following(component: Component, everything: Everything) -> AsyncIterator[None]:
    component.task("everything", everything.run)
    task = asyncio.create_task(component.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_an_added_resource_is_followed_and_found_and_a_removed_one_is_out_of_sight_not_gone() -> None:
    client = FakeClient(obj(CONFIG_MAPS, "a", team="red"))
    everything = Everything(component := Component("test", client))
    by_team = everything.index("team", lambda o: [o["metadata"].get("labels", {}).get("team")])
    seen = Seen(everything)
    async with following(component, everything):
        await everything.synced()
        assert everything.of_kind("example.com", "Widget") is None
        client.serve(WIDGETS)
        client.put(obj(WIDGETS, "w", team="red"))
        await until(lambda: ("w", True) in seen.objects)
        await everything.synced()
        assert {(r.kind, o["metadata"]["name"]) for r, o in by_team("red")} == {("ConfigMap", "a"), ("Widget", "w")}
        assert everything.get(WIDGETS, "demo", "w") is not None
        client.unserve(WIDGETS)
        await until(lambda: len(seen.sets) == 3)
        assert [o["metadata"]["name"] for _, o in by_team("red")] == ["a"]
        assert everything.get(WIDGETS, "demo", "w") is None
        assert WIDGETS not in {informer.resource for informer in component.informers}
        await everything.synced()
    assert ("w", False) not in seen.objects
    assert seen.sets[1:] == [[WIDGETS], []]


async def test_what_others_follow_too_stays_followed_and_is_told_once_when_it_is_back() -> None:
    client = FakeClient()
    component = Component("test", client)
    theirs = component.follow(CONFIG_MAPS)
    everything = Everything(component)
    seen = Seen(everything)
    async with following(component, everything):
        await everything.synced()
        client.unserve(CONFIG_MAPS)
        await until(lambda: len(seen.sets) == 2)
        assert theirs in component.informers
        client.serve(CONFIG_MAPS)
        await until(lambda: len(seen.sets) == 3)
        client.put(obj(CONFIG_MAPS, "a"))
        await until(lambda: theirs.get("demo", "a"))
        await everything.synced()
    assert seen.objects == [("a", True)]


async def test_a_server_that_cannot_be_asked_is_asked_again_and_what_is_known_stays_good() -> None:
    client = FakeClient(obj(CONFIG_MAPS, "a"))
    client.fail(ServiceUnavailable("not yet"), verb="discover", times=3)
    everything = Everything(component := Component("test", client))
    seen = Seen(everything)
    assert everything.unknown() == "what is served is not known yet"
    async with following(component, everything):
        await everything.synced()
        assert everything.unknown() is None
        assert len(seen.sets) == 1
        assert EVENTS not in seen.sets[0]
        client.fail(ServiceUnavailable("away"), verb="discover", times=3)
        client.serve(WIDGETS)
        await until(lambda: len(seen.sets) == 2)
        assert everything.get(CONFIG_MAPS, "demo", "a") is not None
    assert seen.sets[1] == [WIDGETS]
