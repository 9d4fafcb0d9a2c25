"""Watches, on every transport."""

import asyncio
from contextlib import aclosing

import pytest

from tests.client.contract.test_objects import config_map
from wherry.objects.errors import BadRequest
from wherry.objects.resource import CONFIG_MAPS


async def take(watch, count: int) -> list[tuple[str, str]]:
    """Return (type, name) of the next `count` changes; bookmarks are left out."""
    seen = []
    async with asyncio.timeout(5):
        async for event in watch:
            if event.type != "BOOKMARK":
                seen.append((event.type, event.object["metadata"]["name"]))
            if len(seen) == count:
                return seen
    raise AssertionError(f"the watch ended after {seen}")


async def test_a_watch_goes_on_from_a_list_without_a_gap(client):
    await client.create(CONFIG_MAPS, config_map("before"), "demo")
    listed = await client.list(CONFIG_MAPS, "demo")
    await client.create(CONFIG_MAPS, config_map("a"), "demo")
    await client.patch(CONFIG_MAPS, "a", {"data": {"x": "1"}}, "demo")
    await client.delete(CONFIG_MAPS, "a", "demo")
    async with aclosing(client.watch(CONFIG_MAPS, "demo", resource_version=listed.resource_version)) as watch:
        assert await take(watch, 3) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]
        await client.create(CONFIG_MAPS, config_map("b"), "demo")
        assert await take(watch, 1) == [("ADDED", "b")]


async def test_a_watch_without_a_version_starts_with_what_is_there(client):
    await client.create(CONFIG_MAPS, config_map("a", {"mine": "1"}), "demo")
    async with aclosing(client.watch(CONFIG_MAPS, "demo", labels="mine")) as watch:
        assert await take(watch, 1) == [("ADDED", "a")]


async def test_every_event_carries_a_version_to_go_on_from(client):
    version = (await client.list(CONFIG_MAPS, "demo")).resource_version
    for name in ("a", "b"):
        await client.create(CONFIG_MAPS, config_map(name), "demo")
    await client.delete(CONFIG_MAPS, "a", "demo")
    for expected in (("ADDED", "a"), ("ADDED", "b"), ("DELETED", "a")):
        async with aclosing(client.watch(CONFIG_MAPS, "demo", resource_version=version)) as watch:
            async for event in watch:
                if event.type != "BOOKMARK":
                    break
        assert (event.type, event.object["metadata"]["name"]) == expected
        version = event.object["metadata"]["resourceVersion"]


async def test_an_object_that_comes_into_or_falls_out_of_the_selector_is_added_or_deleted(client):
    version = (await client.list(CONFIG_MAPS, "demo")).resource_version
    await client.create(CONFIG_MAPS, config_map("a"), "demo")
    for label in ("in", "in-still", None):
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"tier": label}}}, "demo")
    async with aclosing(client.watch(CONFIG_MAPS, "demo", labels="tier", resource_version=version)) as watch:
        assert await take(watch, 3) == [("ADDED", "a"), ("MODIFIED", "a"), ("DELETED", "a")]


async def test_a_watch_sees_its_namespace_and_fields_only(client):
    version = (await client.list(CONFIG_MAPS)).resource_version
    await client.create(CONFIG_MAPS, config_map("a"), "other")
    await client.create(CONFIG_MAPS, config_map("b"), "demo")
    await client.create(CONFIG_MAPS, config_map("a"), "demo")
    watch = client.watch(CONFIG_MAPS, "demo", fields="metadata.name=a", resource_version=version)
    async with aclosing(watch):
        async with asyncio.timeout(5):
            async for event in watch:
                if event.type != "BOOKMARK":
                    break
        assert (event.object["metadata"]["namespace"], event.object["metadata"]["name"]) == ("demo", "a")


async def test_two_watches_see_the_same(client):
    version = (await client.list(CONFIG_MAPS, "demo")).resource_version
    watches = [client.watch(CONFIG_MAPS, "demo", resource_version=version) for _ in range(2)]
    readers = [asyncio.create_task(take(w, 2)) for w in watches]
    await client.create(CONFIG_MAPS, config_map("a"), "demo")
    await client.create(CONFIG_MAPS, config_map("b"), "demo")
    assert await readers[0] == await readers[1] == [("ADDED", "a"), ("ADDED", "b")]
    for watch in watches:
        await watch.aclose()


async def test_a_malformed_selector_is_refused(client):
    with pytest.raises(BadRequest):
        async for _ in client.watch(CONFIG_MAPS, "demo", labels="a in b"):
            pass


async def test_a_watch_that_is_left_leaves_the_client_usable(client):
    for _ in range(20):
        watch = client.watch(CONFIG_MAPS, "demo", resource_version="")
        await client.patch(CONFIG_MAPS, "a", {"data": {}}, "demo") if _ else await client.create(
            CONFIG_MAPS, config_map("a"), "demo"
        )
        assert await take(watch, 1)
        await watch.aclose()
    await client.get(CONFIG_MAPS, "a", "demo")
