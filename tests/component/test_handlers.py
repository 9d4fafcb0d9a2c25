"""A handler that raises is told again, alone, of the difference to what it took in last; nobody else notices."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable

import pytest

from tests.client.contract.test_objects import config_map
from tests.fake.client import FakeClient
from tests.virtual import in_virtual_time
from wherry.component.informer import Informer
from wherry.component.troubles import FAILURES, Troubles
from wherry.objects import Object
from wherry.objects.resource import CONFIG_MAPS

Told = tuple[str | None, str | None]


def placed(x: str, name: str = "a") -> Object:
    made = config_map(name, x=x)
    made["metadata"]["namespace"] = "demo"
    return made


def value(obj: Object | None) -> str | None:
    return obj and obj["data"]["x"]


class Handler:
    """Raises at the values in `bad`, and lists what it took in."""

    def __init__(self, *bad: str):
        self.bad = set(bad)
        self.tries: list[Told] = []
        self.took: list[Told] = []

    def __call__(self, old: Object | None, new: Object | None) -> None:
        told = value(old), value(new)
        self.tries.append(told)
        if self.bad & {*told}:
            raise KeyError(next(iter(self.bad)))
        self.took.append(told)


class World:
    """An informer that runs, and time that does not."""

    def __init__(self, *objects: Object):
        self.client = FakeClient(*objects)
        self.troubles = Troubles("test-handlers")
        self.informer = Informer(self.client, CONFIG_MAPS, troubles=self.troubles)

    async def __aenter__(self) -> World:
        self._task = asyncio.create_task(self.informer.run())
        await self.pass_(0.0)
        return self

    async def __aexit__(self, *exc: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def pass_(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        for _ in range(20):
            await asyncio.sleep(0)

    def change(self, x: str, name: str = "a") -> None:
        self.client.put(placed(x, name))


def lived(scenario: Callable[[], object]) -> None:
    in_virtual_time(scenario())  # type: ignore[arg-type]


def test_it_is_told_again_until_it_takes_the_object_in():
    async def scenario() -> None:
        world, handler = World(placed("1")), Handler("1")
        world.informer.subscribe(handler)
        async with world:
            assert world.informer.synced.is_set()
            await world.pass_(0.4)  # after 0.1 and 0.3 s
            assert handler.tries == [(None, "1")] * 3
            handler.bad.clear()
            await world.pass_(1.0)
            assert handler.took == [(None, "1")]
            await world.pass_(60.0)
            assert len(handler.tries) == 4

    lived(scenario)


def test_an_object_that_changes_is_told_at_once_from_what_was_taken_in_last():
    async def scenario() -> None:
        world, handler = World(placed("1")), Handler("2")
        world.informer.subscribe(handler)
        async with world:
            world.change("2")
            await world.pass_(0.0)
            world.change("3")
            await world.pass_(0.0)
            assert handler.took == [(None, "1"), ("1", "3")]
            await world.pass_(60.0)
            assert len(handler.tries) == 3

    lived(scenario)


def test_an_object_that_goes_is_taken_from_who_had_an_older_version():
    async def scenario() -> None:
        world, handler = World(placed("1")), Handler("2")
        world.informer.subscribe(handler)
        async with world:
            world.change("2")
            await world.pass_(0.0)
            world.client.remove(CONFIG_MAPS, "a", "demo")
            await world.pass_(0.0)
            assert handler.took == [(None, "1"), ("1", None)]
            assert world.troubles.check() is None

    lived(scenario)


def test_who_never_took_an_object_in_may_still_clear_up_when_it_goes_but_not_for_ever():
    async def scenario() -> None:
        world, handler = World(placed("1")), Handler("1")
        world.informer.subscribe(handler)
        async with world:
            world.client.remove(CONFIG_MAPS, "a", "demo")
            await world.pass_(3600.0)
            assert handler.tries[0] == (None, "1")
            assert set(handler.tries[1:]) == {("1", None)}
            assert len(handler.tries) < 10
            assert world.troubles.check() is None

    lived(scenario)


def test_other_objects_and_other_handlers_do_not_notice():
    async def scenario() -> None:
        world, broken, well = World(placed("1"), placed("5", "b")), Handler("1"), Handler()
        world.informer.subscribe(broken)
        world.informer.subscribe(well)
        async with world:
            world.change("6", "b")
            await world.pass_(0.0)
            assert broken.took == [(None, "5"), ("5", "6")]
            assert well.took == [(None, "1"), (None, "5"), ("5", "6")]

    lived(scenario)


def test_a_late_handler_that_raises_harms_nobody():
    async def scenario() -> None:
        world, handler = World(placed("1"), placed("2", "b")), Handler("1")
        async with world:
            world.informer.subscribe(handler)
            assert handler.took == [(None, "2")]
            handler.bad.clear()
            await world.pass_(0.2)
            assert sorted(handler.took) == [(None, "1"), (None, "2")]

    lived(scenario)


def test_handlers_hear_of_an_object_once_the_indexes_know_it():
    async def scenario() -> None:
        world, bad = World(placed("1"), placed("5", "b")), {"1"}

        def keys(obj: Object) -> list[str]:
            if bad & {value(obj)}:
                raise KeyError("no key")
            return [value(obj) or ""]

        handler = Handler()
        world.informer.subscribe(handler)
        index = world.informer.index("value", keys)
        async with world:
            assert handler.took == [(None, "5")]
            assert index.get("1") == []
            bad.clear()
            await world.pass_(0.2)
            assert handler.took == [(None, "5"), (None, "1")]
            assert [value(o) for o in index.get("1")] == ["1"]

    lived(scenario)


def test_an_informer_that_runs_again_comes_back_to_who_is_behind():
    async def scenario() -> None:
        world, handler = World(placed("1")), Handler("1")
        world.informer.subscribe(handler)
        async with world:
            pass
        handler.bad.clear()
        async with world:
            await world.pass_(1.0)
        assert handler.took == [(None, "1")]

    lived(scenario)


def test_it_is_said_once_counted_and_shown_until_it_works(caplog):
    async def scenario() -> None:
        world, handler = World(placed("1")), Handler("1")
        world.informer.subscribe(handler)
        async with world:
            await world.pass_(10.0)
            assert world.troubles.check() == "Handler of configmaps fails at demo/a: KeyError('1')"
            handler.bad.clear()
            await world.pass_(30.0)
            assert world.troubles.check() is None

    count = FAILURES.labels("test-handlers", "Handler of configmaps")._value
    before = count.get()
    lived(scenario)
    assert count.get() - before == 7
    (told,) = [r for r in caplog.records if r.exc_info]
    assert told.getMessage() == (
        "Handler of configmaps failed at demo/a, it is tried again until it works: KeyError('1')"
    )


@pytest.mark.parametrize("seed", range(30))
def test_whatever_raises_whenever_the_handler_ends_with_the_world_as_it_is(seed: int):
    """Index and handler, which raise at random before or after their work, know every object in the end."""
    dice, calm = random.Random(seed), False

    async def scenario() -> None:
        nonlocal calm
        world, known = World(), {}

        def stumble() -> None:
            if not calm and dice.random() < 0.4:
                raise RuntimeError("stumbled")

        def handler(old: Object | None, new: Object | None) -> None:
            stumble()
            name = (new or old or {})["metadata"]["name"]
            if new is None:
                known.pop(name, None)
            else:
                known[name] = value(new)
            stumble()

        def keys(obj: Object) -> list[str]:
            stumble()
            return [value(obj) or ""]

        index = world.informer.index("value", keys)
        world.informer.subscribe(handler)
        async with world:
            for turn in range(60):
                name = dice.choice("abc")
                match dice.randrange(5):
                    case 0 if world.client.peek(CONFIG_MAPS, name, "demo"):
                        world.client.remove(CONFIG_MAPS, name, "demo")
                    case 1:
                        world.client.expire()
                    case _:
                        world.change(str(turn), name)
                await world.pass_(dice.choice((0.0, 0.0, 0.3)))
            calm = True
            await world.pass_(120.0)
            right = {o["metadata"]["name"]: o["data"]["x"] for o in world.client.peek_all(CONFIG_MAPS)}
            assert known == right
            assert sorted(k for k in map(str, range(60)) if index.get(k)) == sorted(right.values())
            assert world.troubles.check() is None

    lived(scenario)
