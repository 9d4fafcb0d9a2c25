"""The userspace mode's decisions, and its relay on loopback: no privilege needed."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from wherry.objects.family import Family
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.modes import ModeConfig, ModeError, make
from wherry.proxy.modes.userspace import dial, flow, sessions
from wherry.proxy.modes.userspace.balancer import Balancer
from wherry.proxy.modes.userspace.limits import most_connections, most_sessions
from wherry.proxy.modes.userspace.living import living
from wherry.proxy.modes.userspace.mode import UserspaceMode
from wherry.proxy.modes.userspace.names import DOORS
from wherry.proxy.modes.userspace.redirects import is_relayed, redirected
from wherry.proxy.modes.userspace.relay import Relay
from wherry.proxy.modes.userspace.sources import Sources
from wherry.proxy.plan import Change, Frontend, Kind, Masquerade, Plan, Route, difference
from wherry.proxy.service import ServicePortName
from wherry.proxy.topology import Choice, Verdict

WEB = ServicePortName("demo", "web", "")
A, B, C = (Endpoint(f"10.244.0.{n}", 8080, True) for n in (5, 6, 7))
DOOR = Endpoint(DOORS[Family.V4], 10245)
LARGE = bytes(range(256)) * 40_000  # 10 MB: more than all buffers on the way


def route(*endpoints: Endpoint, protocol: str = "TCP", address: str = "10.96.0.10", port: int = 80) -> Route:
    lasting = endpoints if protocol == "UDP" else ()
    return Route(Frontend(address, protocol, port), Kind.ClusterIP, WEB, Choice(endpoints), lasting=lasting)


def first(
    balancer: Balancer, of: Route, client: str = "10.244.0.9", now: float = 0.0, *, inside: bool = True
) -> Endpoint:
    offered = next(balancer.offers(of, client, inside=inside, now=now))
    balancer.took(of, client, offered, now)
    return offered


# The decisions


def test_endpoints_take_turns() -> None:
    balancer = Balancer()
    counts = Counter(first(balancer, route(A, B, C)) for _ in range(30))
    assert counts == {A: 10, B: 10, C: 10}


def test_each_endpoint_is_offered_once() -> None:
    balancer = Balancer()
    for affinity in (0, 60):
        offers = balancer.offers(replace(route(A, B, C), affinity_seconds=affinity), "10.0.0.1", inside=True, now=0.0)
        assert sorted(offers) == [A, B, C]


def test_a_client_stays_while_it_comes_back_in_time() -> None:
    balancer, sticky = Balancer(), replace(route(A, B, C), affinity_seconds=60)
    clients = [f"10.244.1.{n}" for n in range(50)]
    at = {client: first(balancer, sticky, client) for client in clients}
    assert set(at.values()) == {A, B, C}
    more = replace(sticky, inside=Choice((A, B, C, *(Endpoint(f"10.244.2.{n}", 80) for n in range(50)))))
    assert {client: first(balancer, more, client, 59.0) for client in clients} == at
    assert {client: first(balancer, more, client, 118.0) for client in clients} == at
    assert {client: first(balancer, more, client, 180.0) for client in clients} != at


def test_a_client_leaves_an_endpoint_that_takes_no_new_connections() -> None:
    balancer, sticky = Balancer(), replace(route(A, B), affinity_seconds=60)
    before = first(balancer, sticky)
    (other,) = {A, B} - {before}
    assert first(balancer, replace(sticky, inside=Choice((other,)))) == other
    assert first(balancer, sticky) == other


def test_a_new_proxy_sends_a_client_where_the_last_one_did() -> None:
    sticky = replace(route(A, B, C), affinity_seconds=60)
    for client in ("10.0.0.1", "fd00::1", "192.168.51.1"):
        assert first(Balancer(), sticky, client) == first(Balancer(), sticky, client)


def test_affinities_that_ran_out_are_forgotten() -> None:
    balancer, sticky = Balancer(), replace(route(A), affinity_seconds=1)
    for second in range(1000):
        first(balancer, sticky, f"client{second}", second * 2.0)
    assert len(balancer._bound) < 5


def test_sources_outside_get_the_local_choice() -> None:
    local = replace(route(A, B), outside=Choice((C,), local=True))
    assert {first(Balancer(), local, inside=False)} == {C}
    assert first(Balancer(), local, inside=True) in {A, B}


def test_pods_and_this_machine_are_inside() -> None:
    sources = Sources(["10.244.0.0/16"])
    assert [sources.is_inside(a) for a in ("10.244.3.4", "127.0.0.1", "192.0.2.7")] == [True, True, False]


def test_a_route_leads_to_the_proxy_only_where_it_has_endpoints() -> None:
    external = replace(route(A, B), outside=Choice((), Verdict.DROP, local=True), masquerade=Masquerade.ALWAYS)
    led = redirected(replace(external, affinity_seconds=60, sources=("10.0.0.0/8",)), DOOR)
    assert led.inside.endpoints == (DOOR,)
    assert led.outside == Choice((), Verdict.DROP, local=True)
    assert (led.affinity_seconds, led.masquerade, led.sources) == (0, Masquerade.OFF_CLUSTER, ("10.0.0.0/8",))


def test_what_is_neither_tcp_nor_udp_is_left_to_the_kernel() -> None:
    sctp = route(A, protocol="SCTP")
    assert redirected(sctp, DOOR) == sctp
    assert not is_relayed(sctp)


def test_a_udp_route_is_relayed_while_a_flow_may_last() -> None:
    waning = replace(route(protocol="UDP"), lasting=(A,))
    assert is_relayed(waning)
    assert redirected(waning, DOOR).lasting == (DOOR,)
    assert not is_relayed(route(protocol="UDP"))


def test_files_are_shared_out() -> None:
    files = 20_000
    assert most_connections(files) * 6 + most_sessions(files) < files
    assert most_connections(100) == most_sessions(100) == 16


def test_the_script_for_the_kernel_can_be_printed() -> None:
    text = make("userspace", ModeConfig()).render(Plan({route(A).frontend: route(A)}))
    assert "table ip wherry-userspace" in text
    assert f"{DOORS[Family.V4]} ct status ! dnat drop" in text
    assert f"10.96.0.10 . 80 . 0 : {DOORS[Family.V4]} . 10245" in text


async def test_it_says_when_nobody_relays() -> None:
    with pytest.raises(ModeError, match="not at work"):
        await make("userspace", ModeConfig()).load(Plan())


# The relay


class Stage:
    """A mode at work without privilege, Services that are ports of loopback, and endpoints that are others."""

    def __init__(self, mode: UserspaceMode):
        self.mode = mode
        self.plan = Plan()
        self.servers = contextlib.AsyncExitStack()

    async def serve(self, *routes: Route) -> None:
        before, self.plan = self.plan, Plan({r.frontend: r for r in routes})
        if before.routes:
            await self.mode.apply(difference(before, self.plan))
        else:
            await self.mode.load(self.plan)

    async def endpoint(self, says: bytes | Callable[..., object]) -> Endpoint:
        """An endpoint that says who it is and ends, or does as it is told."""

        async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert isinstance(says, bytes)
            writer.write(says)
            writer.close()

        server = await asyncio.start_server(speak if isinstance(says, bytes) else says, "127.0.0.1")  # type: ignore[arg-type]
        self.servers.callback(server.close)
        return Endpoint(*server.sockets[0].getsockname())

    async def datagrams(self, says: bytes) -> Endpoint:
        """A UDP endpoint that answers who it is and what it was asked."""

        class Answering(asyncio.DatagramProtocol):
            def connection_made(self, transport: asyncio.BaseTransport) -> None:
                self.transport = transport

            def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
                self.transport.sendto(says + data, addr)  # type: ignore[attr-defined]

        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Answering, ("127.0.0.1", 0))
        self.servers.callback(transport.close)
        return Endpoint(*transport.get_extra_info("sockname"))

    @property
    def relay(self) -> Relay:
        assert self.mode._relay is not None
        return self.mode._relay


def nobody(kind: int = socket.SOCK_STREAM) -> int:
    """Return a port where nobody is."""
    with socket.socket(socket.AF_INET, kind) as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def here(*endpoints: Endpoint, protocol: str = "TCP") -> Route:
    kind = socket.SOCK_STREAM if protocol == "TCP" else socket.SOCK_DGRAM
    return route(*endpoints, protocol=protocol, address="127.0.0.1", port=nobody(kind))


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    mode = UserspaceMode(ModeConfig(), privileged=False)
    async with mode.at_work(lambda: None):
        made = Stage(mode)
        async with made.servers:
            yield made


async def ask(of: Route) -> bytes:
    """Return what a new connection to a route brings until its end."""
    reader, writer = await asyncio.open_connection(*of.frontend[::2])
    try:
        async with asyncio.timeout(60):
            return await reader.read()
    finally:
        writer.close()


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - a condition in a test, of no event
            await asyncio.sleep(0.005)


async def test_connections_are_spread(stage: Stage) -> None:
    web = here(await stage.endpoint(b"a"), await stage.endpoint(b"b"))
    await stage.serve(web)
    assert sorted([await ask(web) for _ in range(6)]) == [b"a"] * 3 + [b"b"] * 3


async def test_the_next_endpoint_is_tried_when_one_refuses(stage: Stage) -> None:
    gone = Endpoint("127.0.0.1", nobody())
    web = here(gone, await stage.endpoint(b"a"), gone._replace(port=nobody()))
    await stage.serve(web)
    assert [await ask(web) for _ in range(6)] == [b"a"] * 6


async def test_the_next_endpoint_is_tried_when_one_is_silent(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """A full queue of connections answers nothing."""
    monkeypatch.setattr(dial, "PATIENCE_SECONDS", (0.05,))
    with contextlib.ExitStack() as held:
        silent = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(3):
            caller = held.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(silent.getsockname())
        web = here(Endpoint(*silent.getsockname()), await stage.endpoint(b"a"))
        await stage.serve(web)
        assert [await ask(web) for _ in range(2)] == [b"a"] * 2


async def test_a_connection_that_no_endpoint_takes_is_reset(stage: Stage) -> None:
    web = here(Endpoint("127.0.0.1", nobody()))
    await stage.serve(web)
    with pytest.raises(ConnectionResetError):
        await ask(web)
    assert len(stage.relay.connections) == 0


async def test_without_endpoints_it_is_refused_at_once(stage: Stage) -> None:
    web = here(await stage.endpoint(b"a"))
    await stage.serve(web)
    assert await ask(web) == b"a"
    await stage.serve(replace(web, inside=Choice(())))
    with pytest.raises(ConnectionRefusedError):
        await ask(web)
    await stage.serve(web)
    assert await ask(web) == b"a"


async def echo_after_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.read())
    writer.close()


async def test_either_side_may_end_first(stage: Stage) -> None:
    """The client ends, and gets the answer then; it is large, so that it is spliced both ways."""
    web = here(await stage.endpoint(echo_after_end))
    await stage.serve(web)
    reader, writer = await asyncio.open_connection(*web.frontend[::2])
    writer.write(LARGE)
    writer.write_eof()
    async with asyncio.timeout(60):
        assert await reader.read() == LARGE
    writer.close()
    await until(lambda: len(stage.relay.connections) == 0)


async def test_a_sender_is_slowed_down_to_what_the_receiver_takes(stage: Stage) -> None:
    may_read, arrived = asyncio.Event(), bytearray()

    async def hesitate(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.pause_reading()  # type: ignore[attr-defined]
        await may_read.wait()
        writer.transport.resume_reading()  # type: ignore[attr-defined]
        while data := await reader.read(1 << 16):
            arrived.extend(data)
        writer.close()

    web = here(await stage.endpoint(hesitate))
    await stage.serve(web)
    reader, writer = await asyncio.open_connection(*web.frontend[::2])
    much = LARGE * 5
    writer.write(much)
    writer.write_eof()
    await until(lambda: any(f._held or f._left for c in stage.relay.connections._open for f in c._flows))
    assert writer.transport.get_write_buffer_size() > 0  # type: ignore[attr-defined]
    may_read.set()
    async with asyncio.timeout(60):
        assert await reader.read() == b""
    assert bytes(arrived) == much
    writer.close()


async def test_a_broken_connection_breaks_the_other(stage: Stage) -> None:
    broken = asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(ConnectionResetError):
            await reader.read()
            return
        broken.set()

    web = here(await stage.endpoint(listen))
    await stage.serve(web)
    _, writer = await asyncio.open_connection(*web.frontend[::2])
    writer.write(b"x")
    await until(lambda: len(stage.relay.connections) == 1)
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    writer.transport.abort()
    async with asyncio.timeout(60):
        await broken.wait()


async def test_established_connections_outlive_their_endpoint_and_service(stage: Stage) -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            writer.write(data)
        writer.close()

    web = here(await stage.endpoint(talk))
    await stage.serve(web)
    reader, writer = await asyncio.open_connection(*web.frontend[::2])
    for routes in ([web], [replace(web, inside=Choice(()))], []):
        await stage.serve(*routes)
        writer.write(b"ping")
        async with asyncio.timeout(60):
            assert await reader.readexactly(4) == b"ping"
    writer.close()


async def test_established_connections_outlive_the_mode_in_its_process(stage: Stage) -> None:
    """Also one that nobody has accepted yet when the mode ends."""
    web = here(await stage.endpoint(echo_after_end))
    mode = UserspaceMode(ModeConfig(), privileged=False)
    async with mode.at_work(lambda: None):
        await mode.load(Plan({web.frontend: web}))
        established = await asyncio.open_connection(*web.frontend[::2])
        waiting = socket.create_connection(web.frontend[::2])
    (held,) = living()
    assert len(held) == 2
    assert not await mode.retire()
    established[1].write(b"once more")
    established[1].write_eof()
    async with asyncio.timeout(60):
        assert await established[0].read() == b"once more"
    established[1].close()
    waiting.close()
    await until(lambda: not living())


async def test_beyond_the_limit_clients_wait(stage: Stage) -> None:
    web = here(await stage.endpoint(echo_after_end))
    await stage.serve(web)
    stage.relay.connections.most = 2
    held = [await asyncio.open_connection(*web.frontend[::2]) for _ in range(2)]
    await until(lambda: len(stage.relay.connections) == 2)
    waiting, writer = await asyncio.open_connection(*web.frontend[::2])
    writer.write(b"late")
    writer.write_eof()
    answer = asyncio.create_task(waiting.read())
    await until(lambda: stage.relay.connections._full is not None)
    assert not answer.done()
    for _, other in held:
        other.close()
    async with asyncio.timeout(60):
        assert await answer == b"late"
    writer.close()


async def test_many_bytes_are_spliced_and_few_are_not(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    take = flow._take
    monkeypatch.setattr(flow, "_take", lambda: made.append(None) or take())
    small, large = here(await stage.endpoint(b"a")), here(await stage.endpoint(LARGE))
    await stage.serve(small, large)
    assert await ask(small) == b"a"
    assert not made
    assert await ask(large) == LARGE
    assert len(made) == 1


class Client(asyncio.DatagramProtocol):
    """Asks by UDP, always from the same port."""

    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: object) -> None:
        self.answers.put_nowait(data)


@contextlib.asynccontextmanager
async def client(of: Route) -> AsyncIterator[Callable[[bytes], object]]:
    loop = asyncio.get_running_loop()
    transport, protocol = await loop.create_datagram_endpoint(Client, remote_addr=of.frontend[::2])

    async def asked(question: bytes) -> bytes:
        transport.sendto(question)
        async with asyncio.timeout(60):
            return await protocol.answers.get()

    yield asked
    transport.close()


async def test_a_udp_client_stays_until_it_is_silent(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sessions, "SWEEP_SECONDS", 0.01)
    dns = here(await stage.datagrams(b"a"), await stage.datagrams(b"b"), protocol="UDP")
    await stage.serve(dns)
    async with client(dns) as asks, client(dns) as other:
        assert [await asks(b"1"), await asks(b"2"), await other(b"3")] == [b"a1", b"a2", b"b3"]
        assert len(stage.relay.sessions) == 2
        stage.relay.sessions.idle_seconds = 0.0
        await until(lambda: len(stage.relay.sessions) == 0)
        assert await asks(b"4") == b"a4"


async def test_a_datagram_that_is_refused_goes_to_the_next_endpoint(stage: Stage) -> None:
    dns = here(Endpoint("127.0.0.1", nobody(socket.SOCK_DGRAM)), await stage.datagrams(b"a"), protocol="UDP")
    await stage.serve(dns)
    async with client(dns) as asks:
        assert await asks(b"1") == b"a1"


async def test_a_datagram_that_all_refuse_leaves_nothing_behind(stage: Stage) -> None:
    dns = here(Endpoint("127.0.0.1", nobody(socket.SOCK_DGRAM)), protocol="UDP")
    await stage.serve(dns)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b"?", dns.frontend[::2])
        await asyncio.sleep(0)
        await until(lambda: len(stage.relay.sessions) == 0)


async def test_a_udp_session_ends_with_its_endpoint(stage: Stage) -> None:
    a, b = await stage.datagrams(b"a"), await stage.datagrams(b"b")
    dns = here(a, protocol="UDP")
    await stage.serve(dns)
    async with client(dns) as asks:
        assert await asks(b"1") == b"a1"
        await stage.serve(replace(dns, inside=Choice((b,)), lasting=(a, b)))
        assert await asks(b"2") == b"a2"
        await stage.serve(replace(dns, inside=Choice((b,)), lasting=(b,)))
        assert await asks(b"3") == b"b3"


async def test_the_longest_silent_udp_session_makes_room(stage: Stage) -> None:
    dns = here(await stage.datagrams(b"a"), protocol="UDP")
    await stage.serve(dns)
    stage.relay.sessions.most = 2
    async with client(dns) as one, client(dns) as two, client(dns) as three:
        assert [await one(b"1"), await two(b"2"), await one(b"3"), await three(b"4")] == [b"a1", b"a2", b"a3", b"a4"]
        assert len(stage.relay.sessions) == 2
        assert await two(b"5") == b"a5"


async def test_source_ranges_hold_without_the_kernel_s_help(stage: Stage) -> None:
    web = replace(here(await stage.endpoint(b"a")), sources=("192.0.2.0/24",))
    dns = replace(here(await stage.datagrams(b"a"), protocol="UDP"), sources=("192.0.2.0/24",))
    await stage.serve(web, dns)
    with pytest.raises(ConnectionResetError):
        await ask(web)
    let_in = replace(web, sources=("192.0.2.0/24", "127.0.0.0/8"))
    await stage.serve(let_in, dns)
    assert await ask(let_in) == b"a"
    open_to_all = here(await stage.datagrams(b"b"), protocol="UDP")
    await stage.serve(let_in, dns, open_to_all)
    async with client(open_to_all) as asks:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            sender.sendto(b"?", dns.frontend[::2])
        assert [await asks(b"1"), await asks(b"2")] == [b"b1", b"b2"]
    assert len(stage.relay.sessions) == 1


# What can be bound


async def test_what_cannot_be_bound_is_named(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    await stage.serve(route(A), route(A, protocol="SCTP", port=132))
    (said,) = [r.message for r in caplog.records]
    assert "10.96.0.10:80/TCP of demo/web (cannot assign requested address)" in said
    assert "10.96.0.10:132/SCTP of demo/web (SCTP is not relayed without privilege)" in said


async def test_a_port_is_taken_once_its_holder_lets_go(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wherry.proxy.modes.userspace.binding.AGAIN_SECONDS", 0.01)
    web = here(await stage.endpoint(b"a"))
    with socket.create_server(web.frontend[::2]):
        await stage.serve(web)
        assert web.frontend in stage.mode._way._unbound  # type: ignore[union-attr]
    async with UserspaceMode(ModeConfig(), privileged=False).at_work(lambda: None):
        await until(lambda: not stage.mode._way._unbound)  # type: ignore[union-attr]
    assert await ask(web) == b"a"


async def test_nothing_is_done_for_a_change_of_nothing(stage: Stage) -> None:
    await stage.mode.apply(Change())
    assert not stage.relay.plan.routes
