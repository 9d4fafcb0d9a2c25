"""Every case of Gateway API's corpus, asked of a real nginx."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import pytest

from tests.ingress.echo import Server, ask
from tests.ingress.gatewaycases import CLASS, ECHOES, KINDS, Case, cases, conditions
from tests.ingress.held import held, misreported, warnings
from tests.ingress.world import DEADLINE_SECONDS, World, eventually, needs_nginx
from wherry.objects import Object, metadata

pytestmark = needs_nginx

CASES = cases()


@dataclass
class Served:
    http: int
    https: int
    objects: dict[tuple[str, str, str], Object]
    echoes: dict[str, Server]
    warnings: dict[str, list[str]]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    servers = [Server(name) for name in ECHOES]

    async def look(world: World) -> Served:
        told: dict[tuple[str, str, str], Object] = {}
        await eventually(lambda: all_told(world, told), "all statuses are written")
        echoes = {server.name: server for server in servers}
        return Served(world.options.http_port, world.options.https_port, told, echoes, warnings(world))

    def objects(ports: Mapping[str, int]) -> list[Object]:
        return [CLASS, *(obj for case in CASES for obj in case.objects(ports))]

    with held(lambda _: servers, objects, look, publish_addresses=("192.0.2.1",)) as found:
        yield found


async def all_told(world: World, told: dict[tuple[str, str, str], Object]) -> bool:
    """Read all objects; whether each that the controller speaks of has what it says."""
    for resource in KINDS.values():
        for obj in (await world.client.list(resource)).items:
            told[(resource.kind, *metadata.key(obj))] = obj
    wanted = world.controller._model.statuses
    return bool(wanted) and all(told[(kind, *key)].get("status") for kind, key in wanted)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.namespace} {case.name}")
def test_gateways_do_as_the_corpus_says(case: Case, served: Served) -> None:
    wrong: list[str] = []
    for asked in case.requests:
        given = asked.given
        headers = {k: str(v) for k, v in (given.get("headers") or {}).items()}
        port = served.https if given.get("tls") else served.http
        answered = set()
        for _ in range(given.get("times", 1)):
            answer = ask(port, asked.host, asked.target, asked.method, headers, tls=bool(given.get("tls")))
            wrong += asked.wrong(answer)
            answered.add(answer.told.get("backend"))
        if "backends" in given and answered != set(given["backends"]):
            wrong.append(f"{asked.target}: wanted {given['backends']}, answered by {answered}")
    for name, reasons in (case.given.get("says") or {}).items():
        kind, name, listener = (*name.split("/"), "")[:3]
        said = conditions(kind, served.objects[kind, case.namespace if kind != "GatewayClass" else "", name], listener)
        wrong += [f"{name}: {type} is {said.get(type)}" for type, reason in reasons.items() if said.get(type) != reason]
    wrong += misreported(served.warnings.get(case.namespace, []), case.given.get("warns") or [])
    assert not wrong, "\n".join(wrong)


def test_copies_reach_their_service_and_nobody_waits_for_them(served: Served) -> None:
    [case] = [case for case in CASES if "mirror" in (case.given.get("routes") or {})]
    wanted = [f"/copied/{number}" for number in range(5)]
    for path in wanted:
        assert ask(served.http, case.host, path).told["backend"] == "web"
    end = time.monotonic() + DEADLINE_SECONDS
    while len(copied := [path for path in served.echoes["v3"].asked if path in wanted]) < 5 and time.monotonic() < end:
        time.sleep(0.02)
    assert sorted(copied) == wanted
    assert not [path for path in served.echoes["other"].asked if path in wanted]
