"""What is not ours to have (ports, memory) costs those who asked for it, and comes when there is room."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from tests.ingress.objects import endpoint_slice, ingress, path, rule, service
from tests.ingress.test_quarantine import events_on, web
from tests.ingress.world import Backend, eventually, free_port, needs_nginx, running
from wherry.ingress import applier, quarantine
from wherry.ingress.nginx import ports
from wherry.objects.resource import ENDPOINT_SLICES, INGRESSES

pytestmark = needs_nginx
TCP = ("ingress-nginx", "tcp-services")


def streams(*numbers: int) -> dict[str, object]:
    meta = {"namespace": TCP[0], "name": TCP[1]}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {str(n): "demo/web:80" for n in numbers}}


async def test_a_stream_on_a_port_of_another_program_is_left_out_named_and_comes_back(
    nginx_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(quarantine, "PORT_SECONDS", 0.5)
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port, other = taken.getsockname()[1], free_port()
        objects = [web("good", "good.test"), service("web"), streams(port, other)]
        async with running(nginx_dir, *objects, tcp_services=TCP) as world:
            await world.becomes(503, "good.test")

            async def named() -> bool:
                said = f"TCP port {port} is taken by another program"
                return any(said in message for message in await events_on(world, TCP[1]))

            await eventually(named, "the port is named")
            assert ports.Port(other, False, False, False) in ports.stream_ports(world.nginx.runtime.conf.read_text())
            await world.client.create(INGRESSES, web("late", "late.test"), "demo")
            await world.becomes(503, "late.test")
            taken.close()

            async def served() -> bool:
                return any(p.number == port for p in ports.stream_ports(world.nginx.runtime.conf.read_text()))

            await eventually(served, "the stream comes once the port is free")


async def test_full_memory_costs_the_last_endpoints_only_and_is_given_back(
    nginx_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(applier, "FULL_SECONDS", 0.5)
    async with Backend("one") as backend:
        many = [(f"10.1.{i // 250}.{i % 250 + 1}", 80) for i in range(2000)]
        objects = [
            ingress("one", rule("one.test", path("/", "a"))),
            ingress("huge", rule("huge.test", path("/", "z"))),
            service("a"),
            service("z"),
            endpoint_slice("a", ("127.0.0.1", backend.port)),
            endpoint_slice("z", *many),
        ]
        async with running(nginx_dir, *objects, shared_memory="32k") as world:
            await world.becomes(200, "one.test")
            assert (await world.ask("huge.test"))[0] == 503
            await world.client.create(INGRESSES, ingress("late", rule("late.test", path("/", "a"))), "demo")
            await world.becomes(200, "late.test")
            found = await world.client.get(ENDPOINT_SLICES, "z-abc", "demo")
            few = endpoint_slice("z", ("127.0.0.1", backend.port))
            await world.client.update(ENDPOINT_SLICES, {**found, "endpoints": few["endpoints"], "ports": few["ports"]})
            await world.becomes(200, "huge.test")
