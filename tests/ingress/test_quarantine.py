"""What nginx refuses is left out and named, the rest is served."""

from __future__ import annotations

import errno
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.ingress.objects import endpoint_slice, ingress, path, rule, service
from tests.ingress.world import Backend, World, eventually, needs_nginx, running
from wherry.ingress import quarantine, settings
from wherry.ingress.fronts.ingress import build
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.nginx import files
from wherry.ingress.nginx.errors import ConfigRefused
from wherry.ingress.nginx.process import reason
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.quarantine import Quarantine
from wherry.ingress.route.model import Model
from wherry.objects import Object
from wherry.objects.resource import CONFIG_MAPS, EVENTS, INGRESSES

REGEX = {"use-regex": "true"}
SETTINGS = ("ingress-nginx", "nginx-configuration")


class FakeNginx:
    """Refuses a configuration that holds all words of one of its `bad` sets, and counts its tests."""

    runtime = Runtime(Path("/run/x"))

    def __init__(self, *bad: set[str]):
        self.bad = bad
        self.tests = 0

    async def test(self, conf: str) -> None:
        self.tests += 1
        for words in self.bad:
            if all(word in conf for word in words):
                raise ConfigRefused(f"it says {sorted(words)}")


def snapshot(*hosts: str, **changes: Any) -> Snapshot:
    made = [ingress(h, rule(h, path()), created=f"2026-01-01T00:00:{i:02}Z") for i, h in enumerate(hosts)]
    return Snapshot(ingresses=made, **changes)


async def settled(keeper: Quarantine, given: Snapshot) -> Model:
    """Let nginx refuse `given`, and return what is served once the search has ended."""
    keeper.model(given)
    keeper.refused()
    if keeper._search is not None:
        await keeper._search
    return keeper.model(given)


def hosts(model: Model) -> set[str]:
    return {server.host for server in model.structure.servers} - {"_"}


def keeper_of(nginx: FakeNginx, changed: Callable[[], None] = lambda: None) -> Quarantine:
    return Quarantine(nginx, Choices(), changed)  # type: ignore[arg-type]


async def test_culprits_are_left_out_and_named_with_nginx_reason() -> None:
    model = await settled(
        keeper_of(FakeNginx({"b.test"}, {"d.test"})), snapshot("a.test", "b.test", "c.test", "d.test")
    )
    assert hosts(model) == {"a.test", "c.test"}
    assert [(p.subject.kind, p.subject.name, p.reason) for p in model.problems] == [
        ("Ingress", "b.test", "NginxRefused"),
        ("Ingress", "d.test", "NginxRefused"),
    ]
    assert model.problems[0].message == "this Ingress is left out, nginx refuses it: it says ['b.test']"


async def test_of_two_refused_only_together_the_younger_is_left_out() -> None:
    model = await settled(keeper_of(FakeNginx({"a.test", "c.test"})), snapshot("a.test", "b.test", "c.test"))
    assert hosts(model) == {"a.test", "b.test"}


async def test_a_setting_is_told_apart_from_ingresses() -> None:
    config_map = {
        "metadata": {"namespace": "ingress-nginx", "name": "nginx-configuration"},
        "data": {"keep-alive": "77", "hsts": "false"},
    }
    model = await settled(keeper_of(FakeNginx({'keepalive_timeout "77s"'})), snapshot("a.test", config_map=config_map))
    assert hosts(model) == {"a.test"}
    assert not model.structure.settings.hsts
    assert model.structure.settings.common["keep-alive"] == 75
    assert [(str(p.subject), p.reason) for p in model.problems] == [
        ("ConfigMap ingress-nginx/nginx-configuration", "NginxRefused")
    ]


async def test_a_nginx_that_takes_nothing_is_nobodys_fault_and_is_tried_again(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(quarantine, "FIRST_SECONDS", 0.0)
    again: list[bool] = []
    nginx = FakeNginx({"http {"})
    model = await settled(keeper_of(nginx, lambda: again.append(True)), snapshot("a.test", "b.test"))
    assert hosts(model) == {"a.test", "b.test"}
    assert not model.problems
    assert again
    assert nginx.tests == 1
    assert "nginx itself fails" in caplog.text


async def test_a_search_is_not_made_again_until_something_changes_and_then_looks_at_the_culprits_last() -> None:
    nginx = FakeNginx({"b.test"})
    keeper = keeper_of(nginx)
    many = [f"h{i}.test" for i in range(50)]
    given = snapshot("b.test", *many)
    await settled(keeper, given)
    nginx.tests = 0
    for _ in range(3):
        assert hosts(await settled(keeper, given)) == set(many)
    assert nginx.tests == 0
    assert hosts(await settled(keeper, snapshot("b.test", *many, "new.test"))) == {*many, "new.test"}
    assert nginx.tests < 20


async def test_what_is_mended_comes_back_though_another_is_still_refused() -> None:
    nginx = FakeNginx({"b.test"}, {"c.test"})
    keeper = keeper_of(nginx)
    await settled(keeper, snapshot("a.test", "b.test", "c.test"))
    nginx.bad = ({"c.test"},)
    model = await settled(keeper, snapshot("a.test", "b.test", "c.test", "d.test"))
    assert hosts(model) == {"a.test", "b.test", "d.test"}


def test_the_reason_is_nginx_own_without_our_files_name() -> None:
    said = 'nginx: [emerg] unknown directive "x" in /run/w/nginx.conf.next:7\nnginx: configuration file … test failed'
    assert reason(said) == 'unknown directive "x"'
    logged = '2026/11/25 18:45:52 [emerg] 7287#7287: "worker_shutdown_timeout" directive invalid value'
    assert reason(logged) == '"worker_shutdown_timeout" directive invalid value'
    assert reason("no emergency") == "no emergency"


# With a real nginx


async def events_on(world: World, name: str) -> list[str]:
    found = (await world.client.list(EVENTS)).items
    return [e["message"] for e in found if e["involvedObject"]["name"] == name and e["reason"] == "NginxRefused"]


def web(name: str, host: str, at: str = "/", **marks: str) -> Object:
    return ingress(name, rule(host, path(at)), annotations=marks)


@pytest.fixture
def gullible(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let patterns and settings pass that only nginx itself finds wrong."""
    monkeypatch.setattr(build, "pattern_problem", lambda pattern: None)
    monkeypatch.setitem(settings.READERS, "worker-shutdown-timeout", str)  # type: ignore[arg-type]


@needs_nginx
async def test_one_refused_ingress_does_not_freeze_the_others_and_comes_back_when_mended(
    nginx_dir: Path, gullible: None
) -> None:
    async with Backend("blog") as backend:
        given = [
            service("web"),
            endpoint_slice("web", ("127.0.0.1", backend.port)),
            web("bad", "bad.test", "/(", **REGEX),
        ]
        async with running(nginx_dir, *given, web("good", "good.test")) as world:
            await world.becomes(200, "good.test")
            await world.client.create(INGRESSES, web("late", "late.test"), "demo")
            await world.becomes(200, "late.test")
            assert (await world.ask("bad.test"))[0] == 404

            async def named() -> bool:
                return any("parenthes" in message for message in await events_on(world, "bad"))

            await eventually(named, "the culprit is named")
            bad = await world.client.get(INGRESSES, "bad", "demo")
            mended = web("bad", "bad.test", "/", **REGEX)
            await world.client.update(INGRESSES, {**bad, "spec": mended["spec"]})
            await world.becomes(200, "bad.test")
            assert (await world.ask("late.test"))[0] == 200


@needs_nginx
async def test_a_refused_setting_is_left_out_and_named_on_its_config_map(nginx_dir: Path, gullible: None) -> None:
    config_map: Object = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"namespace": SETTINGS[0], "name": SETTINGS[1]},
        "data": {"worker-shutdown-timeout": "soon", "hsts": "false"},
    }
    async with running(nginx_dir, web("good", "good.test"), config_map, config_map=SETTINGS) as world:
        await world.becomes(503, "good.test")

        async def named() -> bool:
            told = await events_on(world, SETTINGS[1])
            return any("'worker-shutdown-timeout'" in message and "invalid value" in message for message in told)

        await eventually(named, "the setting is named")
        assert not await events_on(world, "good")
        found = await world.client.get(CONFIG_MAPS, SETTINGS[1], SETTINGS[0])
        await world.client.update(CONFIG_MAPS, {**found, "data": {"worker-shutdown-timeout": "9s"}})

        async def taken() -> bool:
            return "worker_shutdown_timeout 9s;" in world.nginx.runtime.conf.read_text()

        await eventually(taken, "the mended setting")


@needs_nginx
async def test_a_full_disk_is_nobodys_fault_and_ends(nginx_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with running(nginx_dir, web("good", "good.test")) as world:
        write, failed = files.write, []

        def full(at: Path, text: str, mode: int = 0o644) -> None:
            failed.append(at)
            raise OSError(errno.ENOSPC, "No space left on device", str(at))

        monkeypatch.setattr(files, "write", full)
        await world.client.create(INGRESSES, web("late", "late.test"), "demo")

        async def tried() -> bool:
            return len(failed) > 1

        await eventually(tried, "it is tried again")
        assert (await world.ask("good.test"))[0] == 503
        monkeypatch.setattr(files, "write", write)
        await world.becomes(503, "late.test")
        assert not await events_on(world, "late")
