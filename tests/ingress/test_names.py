"""ExternalName Services: what is asked, when again, and what becomes of the answers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.ingress.objects import ingress, path, rule, service
from tests.ingress.world import eventually, needs_nginx, running
from wherry.ingress import names
from wherry.ingress.names import Answer, Names
from wherry.ingress.route.backend import BackendRef, Endpoint, resolve
from wherry.ingress.route.problem import Key
from wherry.objects import Object

OUTSIDE = BackendRef("demo", "outside", "80")


def outside(name: str = "db.example", **spec: object) -> Object:
    return service("outside", type="ExternalName", externalName=name, **{"clusterIP": "", **spec})


def test_endpoints_are_the_name_s_addresses_at_the_target_port() -> None:
    found = resolve(OUTSIDE, outside(), (), lambda name: {"db.example": ("192.0.2.1", "2001:db8::1")}[name])
    assert found.endpoints == (Endpoint("192.0.2.1", 8002), Endpoint("2001:db8::1", 8002))
    assert (found.host, found.trouble) == ("db.example", None)


@pytest.mark.parametrize(
    ("ports", "wanted", "port"),
    [([], "5432", 5432), ([], "http", None), ([{"port": 80}], "80", 80), ([{"port": 81}], "80", None)],
)
def test_without_a_target_port_the_service_s_holds_and_without_ports_the_rule_s(
    ports: list[Object], wanted: str, port: int | None
) -> None:
    found = resolve(BackendRef("demo", "outside", wanted), outside("192.0.2.1", ports=ports), ())
    assert [endpoint.port for endpoint in found.endpoints] == ([port] if port else [])
    assert (found.trouble is None) == bool(port)


@pytest.mark.parametrize(
    ("name", "addresses"),
    [
        ("127.0.0.1", ()),
        ("::1", ()),
        ("::ffff:127.0.0.1", ()),
        ("0.0.0.0", ()),
        ("::", ()),
        ("localhost", ("192.0.2.1",)),
        ("rebound.example", ("127.0.0.1", "192.0.2.1")),
    ],
)
def test_this_machine_is_nobody_s_external_name(name: str, addresses: tuple[str, ...]) -> None:
    found = resolve(OUTSIDE, outside(name), (), lambda _: addresses)
    assert not found.endpoints
    assert found.trouble is not None
    assert "the controller's own machine" in found.trouble[1]


def test_a_name_without_addresses_is_told_of() -> None:
    assert resolve(OUTSIDE, outside(), ()).trouble == (
        "ExternalName",
        "ExternalName Service demo/outside: db.example has no address known by now",
    )


async def test_a_name_is_asked_again_when_its_time_is_over_and_only_changes_are_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(names, "SHORTEST_SECONDS", 0.0)
    answers: list[Answer | None] = [(("192.0.2.1",), 0.01), (("192.0.2.1",), 0.01), None, (("192.0.2.2",), 60)]
    monkeypatch.setattr(names, "RETRY_SECONDS", 0.01)
    told: list[set[Key]] = []

    async def lookup(name: str) -> Answer:
        answer = answers.pop(0)
        if answer is None:
            raise LookupError("nobody answers")
        return answer

    def changed(services: Iterable[Key]) -> None:
        told.append(set(services))

    followed = Names(changed, lookup)
    assert followed.look("db.example", ("demo", "outside")) == ()

    async def all_asked() -> bool:
        return not answers

    await eventually(all_asked, "all is asked")
    assert told == [{("demo", "outside")}] * 2
    assert followed.look("db.example", ("demo", "other")) == ("192.0.2.2",)
    followed.keep(())
    await asyncio.sleep(0)
    assert asyncio.all_tasks() == {asyncio.current_task()}


@needs_nginx
async def test_nginx_has_the_addresses_while_they_are_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = ["192.0.2.1"]

    async def lookup(name: str) -> Answer:
        return tuple(addresses), 0.05

    monkeypatch.setattr(names, "SHORTEST_SECONDS", 0.0)
    monkeypatch.setattr("wherry.ingress.controller.Names", lambda changed: Names(changed, lookup))
    objects = (ingress("web", rule("a.test", path("/", "outside"))), outside())
    async with running(tmp_path, *objects) as world:

        async def has(address: str) -> bool:
            return (await world.nginx.control.backends())[OUTSIDE.key] == [(address, 8002)]

        await eventually(lambda: has("192.0.2.1"), "the first address is pushed")
        addresses[:] = ["192.0.2.2"]
        await eventually(lambda: has("192.0.2.2"), "the next one is pushed")
