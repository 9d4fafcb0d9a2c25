"""What the applier asks of nginx, in which order, and what it leaves alone."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.ingress.objects import ingress, path, rule
from wherry.ingress.applier import Applier
from wherry.ingress.fronts.ingress.build import build
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.nginx.control import ControlError, Store
from wherry.ingress.nginx.errors import ConfigRefused
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.nginx.template import render
from wherry.ingress.route.backend import Backend, BackendRef, Endpoint
from wherry.ingress.route.model import Model
from wherry.ingress.selfsigned import self_signed

DEFAULT = self_signed(datetime.now(UTC))
WEB = BackendRef("demo", "web", "80")


class FakeControl:
    held: Mapping[Store, Mapping[str, Any]] = {}

    def __init__(self, calls: list[Any]):
        self.calls = calls
        self.broken = False

    async def known(self, store: Store) -> Mapping[str, Any]:
        return self.held[store]

    async def replace(self, store: Store, entries: Mapping[str, Any]) -> None:
        self.calls.append(("replace", store, sorted(entries)))

    async def change(self, store: Store, entries: Mapping[str, Any]) -> None:
        if self.broken:
            raise ControlError("gone")
        self.calls.append(("change", store, dict(entries)))


class FakeNginx:
    def __init__(self) -> None:
        self.runtime = Runtime(Path("/run/x"))
        self.calls: list[Any] = []
        self.control = FakeControl(self.calls)
        self.pid: int | None = None
        self.refuses = False
        self.left: str | None = None
        """The configuration of an nginx that a predecessor left behind."""

    async def adopt(self) -> str | None:
        if self.left is not None:
            self.pid = 1
        return self.left

    async def start(self, conf: str) -> None:
        self.pid = 1
        self.calls.append(("start", "listen 80" in conf))

    async def reload(self, conf: str) -> None:
        if self.refuses:
            self.calls.append(("refused",))
            raise ConfigRefused("no")
        self.calls.append(("reload", conf.count("server_name ")))


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def model(*hosts: str) -> Model:
    return build(Snapshot([ingress(h, rule(h, path())) for h in hosts]), Choices())


def backends(*endpoints: tuple[str, int], ref: BackendRef = WEB) -> list[Backend]:
    return [Backend(ref, tuple(Endpoint(*e) for e in endpoints))]


@pytest.fixture
def nginx() -> FakeNginx:
    return FakeNginx()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def applier(nginx: FakeNginx, clock: Clock) -> Applier:
    return Applier(nginx, 1.0, clock)  # type: ignore[arg-type]


async def test_a_fresh_nginx_knows_everything_before_it_listens(nginx: FakeNginx, applier: Applier) -> None:
    assert not applier.serving
    assert await applier.apply(model("a.test"), backends(("10.0.0.1", 80)), DEFAULT) == 0
    assert [call[:2] for call in nginx.calls] == [
        ("start", False),
        ("replace", "backends"),
        ("replace", "certificates"),
        ("replace", "routes"),
        ("reload", 2),
    ]
    assert applier.serving


async def test_an_equal_model_asks_nothing(nginx: FakeNginx, applier: Applier) -> None:
    for _ in range(2):
        await applier.apply(model("a.test"), backends(("10.0.0.1", 80)), DEFAULT)
    assert len(nginx.calls) == 5


async def test_changed_endpoints_are_pushed_alone(nginx: FakeNginx, applier: Applier) -> None:
    other = Backend(BackendRef("demo", "other", "80"), (Endpoint("10.0.0.9", 80),))
    await applier.apply(model("a.test"), [*backends(("10.0.0.1", 80)), other], DEFAULT)
    nginx.calls.clear()
    await applier.apply(model("a.test"), [*backends(("fd00::1", 80)), other], DEFAULT)
    assert nginx.calls == [("change", "backends", {"demo/web/80": [("[fd00::1]", 80)]})]


async def test_new_backends_go_before_the_reload_and_old_ones_after_it(
    nginx: FakeNginx, applier: Applier, clock: Clock
) -> None:
    await applier.apply(model("a.test"), backends(("10.0.0.1", 80)), DEFAULT)
    nginx.calls.clear()
    clock.now += 5
    await applier.apply(model("b.test"), backends(("10.0.0.2", 80), ref=BackendRef("demo", "new", "80")), DEFAULT)
    assert nginx.calls == [
        ("change", "backends", {"demo/new/80": [("10.0.0.2", 80)]}),
        ("reload", 2),
        ("change", "backends", {"demo/web/80": None}),
    ]


async def test_reloads_keep_their_distance_but_pushes_do_not_wait(
    nginx: FakeNginx, applier: Applier, clock: Clock
) -> None:
    await applier.apply(model("a.test"), backends(), DEFAULT)
    nginx.calls.clear()
    clock.now += 0.4
    wait = await applier.apply(model("a.test", "b.test"), backends(("10.0.0.1", 80)), DEFAULT)
    assert wait == pytest.approx(0.6)
    assert [call[0] for call in nginx.calls] == ["change"]
    clock.now += wait
    assert await applier.apply(model("a.test", "b.test"), backends(("10.0.0.1", 80)), DEFAULT) == 0
    assert nginx.calls[-1] == ("reload", 3)


async def test_a_refused_configuration_is_tried_once(nginx: FakeNginx, applier: Applier, clock: Clock) -> None:
    await applier.apply(model("a.test"), backends(), DEFAULT)
    clock.now += 5
    nginx.refuses = True
    nginx.calls.clear()
    with pytest.raises(ConfigRefused):
        await applier.apply(model("b.test"), backends(), DEFAULT)
    for _ in range(2):
        await applier.apply(model("b.test"), backends(), DEFAULT)
    assert nginx.calls == [("refused",)]
    assert not applier.has(model("b.test").structure)
    nginx.refuses = False
    await applier.apply(model("c.test"), backends(), DEFAULT)
    assert nginx.calls[-1] == ("reload", 2)


async def test_a_push_that_failed_is_made_again(nginx: FakeNginx, applier: Applier) -> None:
    await applier.apply(model("a.test"), backends(), DEFAULT)
    nginx.control.broken = True
    with pytest.raises(ControlError):
        await applier.apply(model("a.test"), backends(("10.0.0.1", 80)), DEFAULT)
    nginx.control.broken = False
    nginx.calls.clear()
    await applier.apply(model("a.test"), backends(("10.0.0.1", 80)), DEFAULT)
    assert nginx.calls == [("change", "backends", {"demo/web/80": [("10.0.0.1", 80)]})]


async def test_a_nginx_that_died_is_told_everything_again(nginx: FakeNginx, applier: Applier, clock: Clock) -> None:
    await applier.apply(model("a.test"), backends(("10.0.0.1", 80)), DEFAULT)
    nginx.pid = None
    nginx.calls.clear()
    clock.now += 5
    await applier.apply(model("a.test"), backends(("10.0.0.1", 80)), DEFAULT)
    assert [call[0] for call in nginx.calls] == ["start", "replace", "replace", "replace", "reload"]


async def test_a_nginx_left_behind_is_adopted_and_told_only_what_it_does_not_know(
    nginx: FakeNginx, applier: Applier
) -> None:
    nginx.left = render(model("a.test").structure, nginx.runtime)
    certificates = {f"certificate/{DEFAULT.id}": None, "host/_": None}
    nginx.control.held = {"backends": {"demo/old/80": []}, "certificates": certificates, "routes": {}}
    assert await applier.apply(model("a.test"), backends(("10.0.0.1", 80)), DEFAULT) == 0
    assert [(*call[:2], sorted(call[2])) for call in nginx.calls] == [
        ("change", "backends", ["demo/web/80"]),
        ("change", "certificates", sorted(certificates)),
        ("change", "backends", ["demo/old/80"]),
    ]
    assert applier.serving


async def test_a_nginx_left_behind_with_another_configuration_is_reloaded(nginx: FakeNginx, applier: Applier) -> None:
    nginx.left = ""
    nginx.control.held = {"backends": {}, "certificates": {}, "routes": {}}
    await applier.apply(model("a.test"), backends(("10.0.0.1", 80)), DEFAULT)
    assert [call[0] for call in nginx.calls] == ["change", "change", "reload"]
