from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, cast

import pytest

from tests.fake.client import FakeClient
from tests.virtual import in_virtual_time
from wherry.client.interface import Client
from wherry.component.election import NAMESPACE, Election
from wherry.objects import Object
from wherry.objects.errors import ServiceUnavailable
from wherry.objects.resource import LEASES


class Work:
    """What is to be done by one at a time: who did it, and when each began and ended."""

    def __init__(self) -> None:
        self.at_work: list[str] = []
        self.diary: list[tuple[str, str, float]] = []

    async def do(self, who: str) -> None:
        assert self.at_work == [], "two lead at once"
        self.at_work.append(who)
        self.note("begins", who)
        try:
            await asyncio.sleep(10_000)
        finally:
            self.at_work.remove(who)
            self.note("ends", who)

    def note(self, what: str, who: str) -> None:
        self.diary.append((what, who, asyncio.get_running_loop().time()))

    def when(self, what: str, who: str) -> float:
        return next(at for noted, name, at in self.diary if (noted, name) == (what, who))


class Line:
    """One process's way to the server, which can be cut."""

    def __init__(self, client: FakeClient):
        self._client = client
        self.cut = False

    def __getattr__(self, verb: str) -> Any:
        if self.cut:
            raise ServiceUnavailable("out of reach")
        return getattr(self._client, verb)


def virtual(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in virtual time."""

    def run() -> None:
        in_virtual_time(test())

    return run


def start(client: FakeClient | Line, work: Work, who: str) -> asyncio.Task[None]:
    return asyncio.create_task(Election(cast(Client, client), "controllers", who).lead(lambda: work.do(who)))


async def end(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def lease(client: FakeClient) -> Object:
    spec: Object = (await client.get(LEASES, "controllers", NAMESPACE))["spec"]
    return spec


@virtual
async def test_one_leads_and_the_other_begins_at_once_when_it_is_told_to_end() -> None:
    client, work = FakeClient(), Work()
    one = start(client, work, "one")
    await asyncio.sleep(0.1)
    other = start(client, work, "other")
    await asyncio.sleep(120)
    assert work.at_work == ["one"]
    await end(one)
    assert (await lease(client))["holderIdentity"] == ""
    ended = work.when("ends", "one")
    await asyncio.sleep(3)
    assert work.at_work == ["other"]
    assert work.when("begins", "other") - ended < 3
    assert (await lease(client))["leaseTransitions"] == 1
    await end(other)


@virtual
async def test_who_vanishes_is_followed_once_the_lease_is_over() -> None:
    client, work = FakeClient(), Work()
    await client.create(LEASES, held_by("ghost", seconds=15), NAMESPACE)
    began = asyncio.get_running_loop().time()
    other = start(client, work, "other")
    await asyncio.sleep(14)
    assert work.at_work == []
    await asyncio.sleep(5)
    assert work.at_work == ["other"]
    assert 15 <= work.when("begins", "other") - began < 18
    await end(other)


@virtual
async def test_who_comes_back_with_its_own_name_leads_on_at_once() -> None:
    client, work = FakeClient(), Work()
    await client.create(LEASES, held_by("one", seconds=15), NAMESPACE)
    one = start(client, work, "one")
    await asyncio.sleep(0.1)
    assert work.at_work == ["one"]
    assert (await lease(client))["leaseTransitions"] == 3
    await end(one)


@virtual
async def test_a_leader_that_cannot_renew_ends_before_another_may_begin() -> None:
    client, work = FakeClient(), Work()
    line = Line(client)
    one = start(line, work, "one")
    await asyncio.sleep(0.1)
    other = start(client, work, "other")
    await asyncio.sleep(5)
    line.cut = True
    await asyncio.sleep(30)
    assert work.at_work == ["other"]
    assert work.when("ends", "one") < work.when("begins", "other")
    await end(one, other)


@virtual
async def test_a_short_absence_of_the_server_ends_nobodys_work() -> None:
    line, work = Line(FakeClient()), Work()
    one = start(line, work, "one")
    await asyncio.sleep(5)
    line.cut = True
    await asyncio.sleep(7)
    line.cut = False
    await asyncio.sleep(20)
    assert [what for what, _, _ in work.diary] == ["begins"]
    await end(one)


@virtual
async def test_a_leader_whose_lease_was_taken_ends() -> None:
    client, work = FakeClient(), Work()
    one = start(client, work, "one")
    await asyncio.sleep(1)
    there = await client.get(LEASES, "controllers", NAMESPACE)
    await client.update(LEASES, {**there, "spec": held_by("thief", seconds=15)["spec"]})
    await asyncio.sleep(3)
    assert work.at_work == []
    await end(one)


@virtual
async def test_what_the_work_dies_of_is_raised_and_the_lease_is_free() -> None:
    client = FakeClient()

    async def fails() -> None:
        raise OSError("port taken")

    with pytest.raises(OSError, match="port taken"):
        await Election(client, "controllers", "one").lead(fails)
    assert (await lease(client))["holderIdentity"] == ""


def held_by(who: str, seconds: int) -> Object:
    spec = {
        "holderIdentity": who,
        "leaseDurationSeconds": seconds,
        "acquireTime": "2026-01-02T03:04:05.000000Z",
        "renewTime": "2026-01-02T03:04:05.000000Z",
        "leaseTransitions": 3,
    }
    return {"metadata": {"name": "controllers", "namespace": NAMESPACE}, "spec": spec}
