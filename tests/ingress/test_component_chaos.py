"""The Ingress controller on a client that raises from any call, with objects and a nginx that fail.

Afterwards nginx has the configuration, the endpoints and the certificates that one has whose controller saw no trouble.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.fake.chaos import Chaos, ChaosClient
from tests.fake.client import FakeClient
from tests.ingress.objects import endpoint_slice, ingress, path, rule, service
from tests.virtual import in_virtual_time
from wherry.client.interface import Client
from wherry.component.troubles import FAILURES
from wherry.ingress.controller import Controller
from wherry.ingress.nginx.control import ControlError
from wherry.ingress.nginx.errors import NginxError
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.options import Options
from wherry.objects.resource import INGRESSES, SERVICES

NAMES = ("web", "api", "blog")


class Control:
    """What Lua knows, in dicts."""

    def __init__(self, stumble: Callable[[], None]):
        self.stores: dict[str, dict[str, Any]] = {}
        self._stumble = stumble

    async def replace(self, store: str, entries: Mapping[str, Any]) -> None:
        self._stumble()
        self.stores[store] = dict(entries)
        self._stumble()

    async def change(self, store: str, entries: Mapping[str, Any]) -> None:
        self._stumble()
        known = self.stores.setdefault(store, {})
        known.update(entries)
        self.stores[store] = {k: v for k, v in known.items() if v is not None}
        self._stumble()


class FailingNginx:
    """A nginx without a process, which fails now and then, as it may, or as it never should."""

    def __init__(self, directory: Path, chaos: Chaos):
        self.runtime = Runtime(directory)
        self.control = Control(self._stumble)
        self.pid: int | None = None
        self.conf = ""
        self.on_end: Callable[[], None] = lambda: None
        self._chaos = chaos

    async def adopt(self) -> str | None:
        return None

    async def start(self, conf: str) -> None:
        self.conf, self.pid = conf, 1
        self.control.stores.clear()

    async def reload(self, conf: str) -> None:
        self._stumble()
        self.conf = conf
        self._stumble()

    async def test(self, conf: str) -> None:
        self._stumble()

    async def stop(self, drain_seconds: float) -> None:
        self.pid = None

    def die(self) -> None:
        self.pid = None
        self.on_end()

    def _stumble(self) -> None:
        if self._chaos.hurts(0.1):
            raise self._chaos.dice.choice((NginxError("no"), ControlError("gone"), RuntimeError("bug")))


def controller(client: Client, nginx: FailingNginx) -> Controller:
    options = Options(health_host="127.0.0.1", health_port=0, reload_seconds=0.0, publish_addresses=("10.0.0.1",))
    return Controller(client, options, nginx)  # type: ignore[arg-type]


def meddle(client: FakeClient, nginx: FailingNginx, dice: random.Random) -> None:
    name = dice.choice(NAMES)
    match dice.randrange(9):
        case 0 | 1:
            client.put(ingress(name, rule(f"{name}.test", path(dice.choice(("/", "/a", "/b")), dice.choice(NAMES)))))
        case 2 if client.peek(INGRESSES, name, "demo"):
            client.remove(INGRESSES, name, "demo")
        case 3:
            client.put(service(name))
        case 4 if client.peek(SERVICES, name, "demo"):
            client.remove(SERVICES, name, "demo")
        case 5 | 6:
            client.put(endpoint_slice(name, *((f"10.244.0.{dice.randrange(250)}", 8002) for _ in range(2))))
        case 7:
            client.expire()
        case 8 if nginx.pid and dice.random() < 0.3:
            nginx.die()


async def shown(client: FakeClient, directory: Path) -> tuple[str, Any]:
    """Return what nginx has of the objects as they are."""
    calm = Chaos(0)
    calm.calm()
    nginx = FailingNginx(directory, calm)
    made = controller(client, nginx)
    task = asyncio.create_task(made.run())
    await asyncio.sleep(60.0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return nginx.conf, backends(nginx)


def backends(nginx: FailingNginx) -> Any:
    return nginx.control.stores["backends"]


@pytest.mark.parametrize("seed", range(8))
def test_nginx_has_what_the_objects_say_in_the_end(seed: int, tmp_path: Path):
    async def scenario() -> None:
        client, chaos = FakeClient(ingress("web", rule("web.test")), service("web")), Chaos(seed)
        nginx = FailingNginx(tmp_path, chaos)
        task = asyncio.create_task(keep(ChaosClient(client, chaos), nginx))
        for _ in range(80):
            meddle(client, nginx, chaos.dice)
            await asyncio.sleep(chaos.dice.choice((0.0, 0.1, 0.5)))
        chaos.calm()
        await asyncio.sleep(600.0)
        assert not task.done()
        conf, entries = nginx.conf, backends(nginx)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert (conf, entries) == await shown(client, tmp_path)
        for found in client.peek_all(INGRESSES):
            assert found["status"]["loadBalancer"]["ingress"] == [{"ip": "10.0.0.1"}]

    async def keep(client: Client, nginx: FailingNginx) -> None:
        """Put it up again where it could not begin, as whoever started it would."""
        while True:
            try:
                await controller(client, nginx).run()
            except* (NginxError, ControlError):
                await asyncio.sleep(1.0)

    before = _failures()
    in_virtual_time(scenario())
    assert _failures() > before


def _failures() -> float:
    samples = [sample for family in FAILURES.collect() for sample in family.samples]
    return sum(s.value for s in samples if s.labels["component"] == "ingress")
