"""An informer's cache is right in the end, whatever the server does."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from tests.client.contract.test_objects import config_map
from tests.client.test_http import until
from tests.fake.client import FakeClient
from wherry.component import informer as module
from wherry.component.informer import Informer
from wherry.objects.errors import Forbidden, ServiceUnavailable
from wherry.objects.resource import CONFIG_MAPS


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Retries follow at once."""
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.001)
    monkeypatch.setattr(module, "LONGEST_RETRY_SECONDS", 0.001)


@asynccontextmanager
async def following(client: FakeClient, **narrowed):
    """Run an informer; give it and the list of what its handler was told."""
    informer = Informer(client, CONFIG_MAPS, **narrowed)
    told: list[tuple[str | None, str | None]] = []
    informer.subscribe(lambda old, new: told.append((_data(old), _data(new))))
    task = asyncio.create_task(informer.run())
    async with asyncio.timeout(5):
        await informer.wait_synced()
    try:
        yield informer, told
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def _data(obj):
    return obj and obj["data"]["x"]


def placed(x: str, name: str = "a") -> dict:
    made = config_map(name, x=x)
    made["metadata"]["namespace"] = "demo"
    return made


async def test_handlers_are_told_what_is_there_and_then_every_change():
    client = FakeClient(placed("1"))
    async with following(client) as (informer, told):
        await client.patch(CONFIG_MAPS, "a", {"data": {"x": "2"}}, "demo")
        await client.delete(CONFIG_MAPS, "a", "demo")
        await until(lambda: len(told) == 3)
        assert informer.items() == []
    assert told == [(None, "1"), ("1", "2"), ("2", None)]


async def test_a_late_subscriber_is_handed_the_cache():
    async with following(FakeClient(placed("1"))) as (informer, _):
        told = []
        informer.subscribe(lambda old, new: told.append((_data(old), _data(new))))
    assert told == [(None, "1")]


async def test_of_each_object_only_its_shape_is_kept():
    client = FakeClient(placed("1"))

    def shape(obj):
        return {"metadata": obj["metadata"], "data": {"x": obj["data"]["x"] * 3}}

    async with following(client, shape=shape) as (informer, told):
        client.put(placed("2"))
        await until(lambda: told == [(None, "111"), ("111", "222")])
        assert [set(obj) for obj in informer.items()] == [{"metadata", "data"}]
        client.remove(CONFIG_MAPS, "a", "demo")
        await until(lambda: told[2:] == [("222", None)])


async def test_after_an_expired_watch_only_the_difference_is_told():
    client = FakeClient(placed("1"), placed("1", "b"), placed("1", "c"))
    async with following(client) as (informer, told):
        await until(lambda: client.watching == 1)
        client.stop()
        client.put(placed("2"))
        client.remove(CONFIG_MAPS, "b", "demo")
        client.expire()
        client.start()
        await until(lambda: len(told) == 5)
        assert {o["metadata"]["name"]: o["data"]["x"] for o in informer.items()} == {"a": "2", "c": "1"}
    assert sorted(told[3:], key=str) == [("1", "2"), ("1", None)]


@pytest.mark.parametrize("error", [None, ServiceUnavailable("gone")])
async def test_a_watch_that_ends_or_breaks_goes_on_without_listing_again(error):
    client = FakeClient(placed("1"))
    async with following(client) as (_, told):
        await until(lambda: client.watching == 1)
        client.end_watches(error)
        client.put(placed("2"))
        await until(lambda: len(told) == 2)
    assert [c.verb for c in client.calls].count("list") == 1


async def test_a_server_that_is_not_there_yet_is_waited_for():
    client = FakeClient(placed("1"))
    client.stop()
    informer = Informer(client, CONFIG_MAPS)
    task = asyncio.create_task(informer.run())
    await until(lambda: len(client.calls) > 3)
    assert not informer.synced.is_set()
    client.start()
    async with asyncio.timeout(5):
        await informer.wait_synced()
    task.cancel()


async def test_watches_that_end_at_once_do_not_become_a_tight_loop(monkeypatch):
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 60.0)
    monkeypatch.setattr(module, "LONGEST_RETRY_SECONDS", 60.0)
    client = FakeClient(placed("1"))
    async with following(client):
        for _ in range(3):
            await asyncio.sleep(0.02)
            client.end_watches()
    assert [c.verb for c in client.calls].count("watch") <= 2


async def test_trouble_that_lasts_is_worth_a_warning(caplog):
    client = FakeClient()
    client.fail(Forbidden("you may not"), times=20)
    informer = Informer(client, CONFIG_MAPS)
    task = asyncio.create_task(informer.run())
    async with asyncio.timeout(5):
        await informer.wait_synced()
    task.cancel()
    assert [r.message for r in caplog.records] == ["cannot follow configmaps: you may not"]


@pytest.fixture
def small_pages(monkeypatch):
    monkeypatch.setattr(module, "PAGE", 2)


@pytest.mark.usefixtures("small_pages")
async def test_a_list_is_read_page_by_page():
    client = FakeClient(*(placed("1", name) for name in "abcde"))
    async with following(client) as (informer, told):
        assert len(informer.items()) == len(told) == 5
    assert [c.verb for c in client.calls].count("list") == 3


@pytest.mark.usefixtures("small_pages")
async def test_what_changes_between_two_pages_is_not_missed():
    client = FakeClient(*(placed("1", name) for name in "abcde"))
    real, pages = client.list, 0

    async def changing(*args, **given):
        nonlocal pages
        page = await real(*args, **given)
        pages += 1
        if pages == 1:
            client.put(placed("2", "a"))
            client.remove(CONFIG_MAPS, "b", "demo")
        return page

    client.list = changing
    async with following(client) as (informer, _):
        await until(lambda: {o["metadata"]["name"]: o["data"]["x"] for o in informer.items()} == expected)


expected = {"a": "2", "c": "1", "d": "1", "e": "1"}


@pytest.mark.usefixtures("small_pages")
async def test_a_page_that_comes_too_late_is_followed_by_a_whole_list():
    client = FakeClient(*(placed("1", name) for name in "abcde"))
    real, asked = client.list, []

    async def slow(*args, **given):
        page = await real(*args, **given)
        asked.append(given["limit"])
        client.expire()
        return page

    client.list = slow
    async with following(client) as (informer, _):
        assert len(informer.items()) == 5
    assert asked[:2] == [2, 0]


async def test_a_client_that_breaks_its_promises_leaves_the_informer_listening(caplog):
    """Whatever a call raises, and whatever a watch sends, the cache follows again; and it is said, once."""
    client = FakeClient(placed("1"))
    real = client.watch
    breaks = iter([KeyError("bug"), KeyError("bug"), None])

    async def breaking(*args, **given):
        if error := next(breaks, None):
            raise error
        async for event in real(*args, **given):
            yield event

    client.watch = breaking
    async with following(client) as (informer, told):
        await until(lambda: client.watching == 1)
        client.put(placed("2"))
        await until(lambda: len(told) == 2)
        assert informer.items()[0]["data"]["x"] == "2"
    assert len([r for r in caplog.records if r.exc_info]) == 1
