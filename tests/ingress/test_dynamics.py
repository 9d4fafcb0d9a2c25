"""What changes while nginx runs: pushes without a reload, reloads without a loss, deaths and ends."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import socket
from collections import Counter
from pathlib import Path
from typing import cast

import aiohttp
import pytest

from tests.ingress.certificates import make_certificate
from tests.ingress.objects import endpoint_slice, ingress, path, rule, service, tls_secret
from tests.ingress.test_traffic import common_name, reached_by, served_certificate
from tests.ingress.world import Backend, World, eventually, free_port, needs_nginx, running
from wherry.objects.resource import ENDPOINT_SLICES, INGRESSES

pytestmark = needs_nginx


async def counted(world: World, host: str, requests: int = 20) -> Counter[str]:
    return Counter([(await world.ask(host))[2]["backend"] for _ in range(requests)])


async def test_endpoints_follow_without_a_reload(nginx_dir: Path) -> None:
    async with (
        Backend("one") as one,
        Backend("two") as two,
        running(nginx_dir, ingress("web", rule("a.test")), *reached_by(one)) as world,
    ):
        workers = world.workers()
        assert set(await counted(world, "a.test")) == {"one"}

        world.client.put(endpoint_slice("web", ("127.0.0.1", two.port), suffix="-2"))

        async def both() -> bool:
            return set(await counted(world, "a.test")) == {"one", "two"}

        await eventually(both, "both endpoints are used")
        assert max((await counted(world, "a.test", 40)).values()) <= 30

        world.client.remove(ENDPOINT_SLICES, "web-abc", "demo")

        async def only_two() -> bool:
            return set(await counted(world, "a.test")) == {"two"}

        await eventually(only_two, "only the second endpoint is used")
        world.client.put(endpoint_slice("web", ("127.0.0.1", two.port), ready=False, suffix="-2"))
        await world.becomes(503, "a.test")
        assert world.workers() == workers


async def test_certificates_follow_without_a_reload(nginx_dir: Path) -> None:
    web = ingress("web", rule("a.test"), tls=[{"hosts": ["a.test"], "secretName": "cert"}])
    async with Backend("one") as one:
        first = tls_secret("cert", *make_certificate("first", "a.test"))
        async with running(nginx_dir, web, first, *reached_by(one)) as world:
            workers = world.workers()
            assert common_name(await served_certificate(world, "a.test")) == "first"
            world.client.put(tls_secret("cert", *make_certificate("second", "a.test")))

            async def renewed() -> bool:
                return common_name(await served_certificate(world, "a.test")) == "second"

            await eventually(renewed, "the new certificate is served")
            assert world.workers() == workers


async def test_a_retry_reaches_the_endpoint_that_lives(nginx_dir: Path) -> None:
    async with Backend("one") as one:
        objects = [
            ingress("web", rule("a.test")),
            service(),
            endpoint_slice("web", ("127.0.0.1", one.port)),
            endpoint_slice("web", ("127.0.0.1", 1), suffix="-dead"),
        ]
        async with running(nginx_dir, *objects) as world:
            assert await counted(world, "a.test", 10) == {"one": 10}


async def one_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer one request as if the connection were to go on, and end it when the next one comes."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
    await reader.read(1)
    writer.close()


PROXY_LINE = b"PROXY TCP4 203.0.113.9 192.0.2.1 4321 80\r\n"
KEPT = [{}, {"affinity": "cookie"}, {"load-balance": "ewma"}, {"upstream-hash-by": "$uri"}]


@pytest.mark.parametrize("annotations", KEPT, ids=lambda named: "".join(named) or "plain")
async def test_an_endpoint_that_ends_a_kept_connection_is_asked_again(
    nginx_dir: Path, annotations: dict[str, str]
) -> None:
    async with await asyncio.start_server(one_answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        rules = ingress("web", rule("a.test"), annotations=annotations)
        async with running(nginx_dir, rules, service(), endpoint_slice("web", ("127.0.0.1", port))) as world:
            status, headers, _ = await world.ask("a.test")
            assert status == 200
            cookie = {"Cookie": headers.get("Set-Cookie", "").partition(";")[0]}
            assert [(await world.ask("a.test", headers=cookie))[0] for _ in range(10)] == [200] * 10


async def test_an_equal_model_changes_nothing(nginx_dir: Path) -> None:
    async with Backend("one") as one, Backend("two") as two:
        web = ingress("web", rule("a.test"))
        async with running(nginx_dir, web, *reached_by(one)) as world:
            workers, written = world.workers(), world.nginx.runtime.conf.stat().st_mtime_ns
            world.client.put({**web, "status": {"loadBalancer": {"ingress": [{"ip": "9.9.9.9"}]}}})
            world.client.put(service("unrelated"))
            world.client.put(ingress("later", rule("b.test")))  # the one change that matters, to wait for
            await world.becomes(200, "b.test")
            assert world.nginx.runtime.conf.stat().st_mtime_ns != written
            assert world.workers() != workers
            await eventually(world.settled, "only current workers are left")
            workers, written = world.workers(), world.nginx.runtime.conf.stat().st_mtime_ns
            world.client.put(service("unrelated", spec={"x": 1}))
            world.client.put(endpoint_slice("web", ("127.0.0.1", one.port), suffix="-same"))
            world.client.put(endpoint_slice("web", ("127.0.0.1", two.port), suffix="-more"))

            async def followed() -> bool:
                return (await world.ask("a.test"))[2]["backend"] == "two"

            await eventually(followed, "what came after is served, without a reload")
            assert (world.workers(), world.nginx.runtime.conf.stat().st_mtime_ns) == (workers, written)


async def test_a_reload_drops_no_request(nginx_dir: Path) -> None:
    """Thirty clients ask slow backends while the structure changes; each answer must be a 200."""
    async with (
        Backend("one", delay=0.03) as one,
        running(nginx_dir, ingress("web", rule("a.test")), *reached_by(one)) as world,
    ):
        answers: Counter[object] = Counter()
        stop = asyncio.Event()

        async def client() -> None:
            url = f"http://127.0.0.1:{world.options.http_port}/"
            connector = aiohttp.TCPConnector(force_close=True)
            async with aiohttp.ClientSession(connector=connector) as session:
                while not stop.is_set():
                    try:
                        async with session.get(url, headers={"Host": "a.test"}) as answer:
                            await answer.read()
                            answers[answer.status] += 1
                    except aiohttp.ClientError as error:
                        answers[repr(error)] += 1
                    await asyncio.sleep(0.02)

        clients = [asyncio.create_task(client()) for _ in range(15)]
        for number in range(4):
            before = world.workers()
            world.client.put(ingress(f"more-{number}", rule(f"more-{number}.test")))
            await world.becomes(200, f"more-{number}.test")
            assert world.workers() != before
        stop.set()
        await asyncio.gather(*clients)
        assert set(answers) == {200}, answers
        assert answers[200] > 30


async def test_a_removed_ingress_is_gone(nginx_dir: Path) -> None:
    async with Backend("one") as one, running(nginx_dir, ingress("web", rule("a.test")), *reached_by(one)) as world:
        world.client.remove(INGRESSES, "web", "demo")
        await world.becomes(404, "a.test")
        await eventually(lambda: knows_no_backend(world), "nginx forgets the backend")


async def test_state_survives_the_death_of_a_worker(nginx_dir: Path) -> None:
    async with (
        Backend("one") as one,
        running(nginx_dir, ingress("web", rule("a.test")), *reached_by(one)) as world,
    ):
        before = world.workers()
        for pid in before:
            os.kill(pid, signal.SIGKILL)

        async def replaced() -> bool:
            return bool(world.workers()) and not world.workers() & before

        await eventually(replaced, "nginx has new workers")
        assert (await world.ask("a.test"))[0] == 200


async def test_a_killed_nginx_comes_back_with_everything(nginx_dir: Path) -> None:
    """Its workers outlive the master and keep the ports: they have to go first."""
    async with Backend("one") as one, running(nginx_dir, ingress("web", rule("a.test")), *reached_by(one)) as world:
        old, orphans = world.nginx.pid, world.workers()
        assert old is not None
        os.kill(old, signal.SIGKILL)

        async def back() -> bool:
            return world.nginx.pid not in (None, old) and await serves(world)

        await eventually(back, "another nginx serves")
        await eventually(lambda: gone(orphans), "the old workers end")


async def test_a_killed_controllers_nginx_is_adopted_with_what_changed_meanwhile(nginx_dir: Path) -> None:
    async with Backend("one") as one:
        objects = [ingress("web", rule("a.test")), *reached_by(one)]
        async with running(nginx_dir, *objects) as world:
            left = world.nginx.pid
            world.nginx._pid = None  # the controller forgets it, as a killed one would
        async with running(nginx_dir, *objects, ingress("late", rule("b.test"))) as world:
            assert world.nginx.pid == left
            assert (await world.ask("a.test"))[0] == 200
            assert (await world.ask("b.test"))[0] == 200


async def test_the_end_lets_requests_under_way_finish(nginx_dir: Path) -> None:
    async with (
        Backend("slow", delay=0.6) as slow,
        running(nginx_dir, ingress("web", rule("a.test")), *reached_by(slow)) as world,
    ):
        under_way = asyncio.create_task(world.ask("a.test"))
        await eventually(lambda: reached(slow), "the backend has the request")
        await world.nginx.stop(5)
        assert (await under_way)[0] == 200
        assert world.nginx.pid is None


async def test_tcp_services_are_forwarded_to_their_cluster_ip(nginx_dir: Path) -> None:
    port = free_port()
    async with Backend("raw") as raw:
        services = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "tcp-services", "namespace": "ingress-nginx"},
            "data": {str(port): "demo/raw:web", "99999": "demo/raw:web"},
        }
        target = service("raw", {"name": "web", "port": raw.port}, clusterIP="127.0.0.1")
        async with (
            running(nginx_dir, services, target, tcp_services=("ingress-nginx", "tcp-services")),
            aiohttp.ClientSession() as session,
            session.get(f"http://127.0.0.1:{port}/direct") as answer,
        ):
            assert (await answer.json())["path"] == "/direct"


@pytest.mark.parametrize(
    ("words", "sent", "received"),
    [
        (":PROXY", PROXY_LINE + b"hello", b"hello"),
        ("::PROXY", b"hello", rb"PROXY TCP4 127\.0\.0\.1 .*\r\nhello"),
        (":PROXY:PROXY", PROXY_LINE + b"hello", rb"PROXY TCP4 203\.0\.113\.9 .*\r\nhello"),
    ],
)
async def test_tcp_services_are_told_of_clients_by_the_proxy_protocol(
    words: str, sent: bytes, received: bytes, nginx_dir: Path
) -> None:
    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(await reader.readuntil(b"hello"))
        writer.close()

    port = free_port()
    async with await asyncio.start_server(echo, "127.0.0.1", 0) as server:
        number = server.sockets[0].getsockname()[1]
        services = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "tcp-services", "namespace": "ingress-nginx"},
            "data": {str(port): f"demo/raw:web{words}"},
        }
        target = service("raw", {"name": "web", "port": number}, clusterIP="127.0.0.1")
        async with running(nginx_dir, services, target, tcp_services=("ingress-nginx", "tcp-services")):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(sent)
            assert re.fullmatch(received, await reader.read())
            writer.close()


async def test_udp_services_follow_the_settings_of_streams(nginx_dir: Path) -> None:
    class Thrice(asyncio.DatagramProtocol):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            self.transport = cast(asyncio.DatagramTransport, transport)

        def datagram_received(self, data: bytes, peer: tuple[str, int]) -> None:
            for _ in range(3):
                self.transport.sendto(data, peer)

    port, loop = free_port(), asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Thrice, ("127.0.0.1", 0))
    number = transport.get_extra_info("sockname")[1]
    target = service("raw", {"name": "web", "port": number, "protocol": "UDP"}, clusterIP="127.0.0.1")
    ours = "ingress-nginx"
    services = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "udp-services", "namespace": ours},
        "data": {str(port): "demo/raw:web"},
    }
    given = {
        "proxy-stream-timeout": "7s",
        "proxy-stream-next-upstream": "false",
        "proxy-stream-next-upstream-timeout": "8s",
        "proxy-stream-next-upstream-tries": "2",
        "proxy-stream-responses": "3",
        "proxy-protocol-header-timeout": "9s",
    }
    settings = {**services, "metadata": {"name": "settings", "namespace": ours}, "data": given}
    keys = {"config_map": (ours, "settings"), "udp_services": (ours, "udp-services")}
    async with running(nginx_dir, services, settings, target, **keys):
        client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        client.setblocking(False)
        with client:
            client.connect(("127.0.0.1", port))
            await loop.sock_sendall(client, b"hello")
            heard = [await asyncio.wait_for(loop.sock_recv(client, 9), 5) for _ in range(3)]
        assert heard == [b"hello"] * 3
        streams = (nginx_dir / "nginx.conf").read_text().partition("\nstream {")[2]
    transport.close()
    for directive in (
        "proxy_timeout 7s",
        "proxy_next_upstream off",
        "proxy_next_upstream_tries 2",
        "proxy_protocol_timeout 9s",
    ):
        assert f"{directive};" in streams


async def knows_no_backend(world: World) -> bool:
    return await world.nginx.control.backends() == {}


async def serves(world: World) -> bool:
    try:
        return (await world.ask("a.test"))[0] == 200
    except aiohttp.ClientError:
        return False


async def gone(pids: set[int]) -> bool:
    return not any(Path(f"/proc/{pid}").exists() for pid in pids)


async def reached(backend: Backend) -> bool:
    return bool(backend.connections)


async def test_a_path_added_to_a_running_host_is_served(nginx_dir: Path) -> None:
    async with Backend("one") as one, Backend("two") as two:
        objects = [ingress("web", rule("a.test", path("/one", "one"))), *reached_by(one, "one")]
        async with running(nginx_dir, *objects) as world:
            assert (await world.ask("a.test", "/two"))[0] == 404
            world.client.put(*reached_by(two, "two"))
            world.client.put(ingress("web", rule("a.test", path("/one", "one"), path("/two", "two"))))
            assert (await world.becomes(200, "a.test", "/two"))["backend"] == "two"
