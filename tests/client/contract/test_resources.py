"""What is served, and how a component hears that it has changed, on every transport."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing

import pytest

from wherry.objects.errors import NotFound
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, EVENTS, INGRESSES, NODES, Resource

WIDGETS = Resource("example.com", "v1", "widgets", "Widget")


async def test_every_resource_is_named_once_and_whole(client):
    async with aclosing(client.resources()) as told:
        first = list(await anext(told))
    assert {CONFIG_MAPS, DEPLOYMENTS, EVENTS, INGRESSES, NODES} <= set(first)
    kinds = [r.kind for r in first]
    assert sorted(kinds) == sorted(set(kinds)), "the same objects are named twice"
    assert {r.kind for r in first if not r.namespaced} >= {"Node", "Namespace", "ClusterRole"}


async def until(told: AsyncIterator[Sequence[Resource]], resource: Resource, served: bool) -> None:
    async with asyncio.timeout(5):
        while (resource in await anext(told)) is not served:
            pass


async def test_what_comes_and_goes_is_told(server):
    async with aclosing(server.client.resources()) as told:
        await until(told, WIDGETS, False)
        await server.serve(WIDGETS)
        await until(told, WIDGETS, True)
        await server.unserve(WIDGETS)
        await until(told, WIDGETS, False)


async def test_what_did_not_change_is_not_told_again(client):
    async with aclosing(client.resources()) as told:
        await anext(told)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(told)


async def test_an_added_resource_is_written_and_watched_and_a_removed_one_is_not_found(server):
    await server.serve(WIDGETS)
    client = server.client
    made = await client.create(WIDGETS, {"metadata": {"name": "a"}, "spec": {"size": 1}}, "demo")
    assert (made["apiVersion"], made["kind"], made["spec"]) == ("example.com/v1", "Widget", {"size": 1})
    listed = await client.list(WIDGETS, "demo")
    async with aclosing(client.watch(WIDGETS, "demo", resource_version=listed.resource_version)) as events:
        await client.patch(WIDGETS, "a", {"spec": {"size": 2}}, "demo")
        async with asyncio.timeout(5):
            changed = await anext(events)
            assert (changed.type, changed.object["spec"]) == ("MODIFIED", {"size": 2})
            await server.unserve(WIDGETS)
            async for event in events:
                assert event.type == "BOOKMARK"
    with pytest.raises(NotFound, match="the server could not find the requested resource"):
        await client.list(WIDGETS, "demo")
    with pytest.raises(NotFound, match="the server could not find the requested resource"):
        await anext(client.watch(WIDGETS, "demo"))


async def test_an_added_resource_that_was_served_before_has_its_objects_again(server):
    await server.serve(WIDGETS)
    made = await server.client.create(WIDGETS, {"metadata": {"name": "a"}}, "demo")
    await server.unserve(WIDGETS)
    await server.serve(WIDGETS)
    found = await server.client.get(WIDGETS, "a", "demo")
    assert found["metadata"]["uid"] == made["metadata"]["uid"]
