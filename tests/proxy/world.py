"""A small real network: a node, pods and a machine on the LAN, each a network namespace; servers that say who they are.

Its addresses are IPv4, or their IPv6 twins (`families`).

client 192.168.51.1 ── LAN ── n1 192.168.51.209 ── p1, p2, p3  10.244.0.x
                                   └────────────── r1          10.244.1.5 (as if behind another node)
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import selectors
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, TypeVar

from tests.proxy.build import ADDRESSES, PODS, TARGET_PORT
from tests.proxy.families import told_in
from tests.proxy.outcome import DROP, PASS, REJECT, Outcome
from wherry.net import namespaces
from wherry.net.links import Links
from wherry.net.sysctls import sysctl
from wherry.objects.family import Family

T = TypeVar("T")

GATEWAY = "10.244.0.254"
TIMEOUT_SECONDS = 0.25


class World:
    """The namespaces and their servers, in one family.

    `path[name]` is where a namespace is; names are those of `build.ADDRESSES`.
    """

    def __init__(self, directory: Path, family: Family):
        self.family = family
        self.addresses = told_in(family, ADDRESSES)
        self.path = {name: directory / name for name in ADDRESSES}
        self._selector = selectors.DefaultSelector()
        self._stopped = False
        self._rounds = 0
        self._thread = threading.Thread(target=self._serve, name="servers")
        self._made: list[str] = []

    def start(self) -> None:
        for name, path in self.path.items():
            namespaces.create(path)
            self._made.append(name)
            sysctl("net/ipv6/conf/default/accept_dad", "0", path)
            for which in ("ipv4/conf/all", "ipv4/conf/default", "ipv6/conf/default"):
                # A last segment for an address that is no longer the node's is sent back to the LAN, and redirects its
                # sender to where nobody has it: for a minute, whoever has it by then.
                sysctl(f"net/{which}/accept_redirects", "0", path)
            self.limit_icmp(name, 0)
        namespaces.run(self.path["host"], self._wire_host)
        namespaces.run(self.path["client"], self._wire_client)
        for pod in PODS:
            namespaces.run(self.path[pod], self._wire_pod, self.addresses[pod])
            for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
                self.listen(pod, kind)
        self._thread.start()

    def stop(self) -> None:
        self._stopped = True
        if self._thread.is_alive():
            self._thread.join()
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()
        for name in self._made:
            namespaces.delete(self.path[name])

    def limit_icmp(self, name: str, milliseconds: int) -> None:
        """Let a namespace send a peer one ICMP error in this time; 0 is no limit, so that each refusal is seen."""
        for limit in ("ipv4/icmp_ratelimit", "ipv6/icmp/ratelimit"):
            sysctl(f"net/{limit}", str(milliseconds), self.path[name])

    @contextlib.contextmanager
    def another_address(self, address: str) -> Iterator[None]:
        """Give the node another address on the LAN, in use at once."""
        given = [address, "dev", "lan0"]

        def ip(*words: str) -> str:
            ask = partial(subprocess.run, ["ip", *words], check=True, capture_output=True, text=True)
            return namespaces.run(self.path["host"], ask).stdout

        ip("address", "add", *given, *(["nodad"] if self.family is Family.V6 else []))
        try:
            while not ip("route", "get", address).startswith("local"):  # of IPv6, the kernel makes the route later
                time.sleep(0.005)
            yield
        finally:
            ip("address", "delete", *given)

    def inside(self, name: str, main: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Run a coroutine in a namespace."""
        return namespaces.run(self.path[name], lambda: asyncio.run(main()))

    def send(self, source: str, destination: str, port: int, protocol: str = "tcp", tries: int = 1) -> Outcome:
        """Make new connections and tell what became of them, all together."""
        answers = {self._ask(source, destination, port, protocol) for _ in range(tries)}
        if answers & {"REJECT", "DROP"}:
            if len(answers) > 1:
                return Outcome("different things", frozenset(answers))
            return REJECT if answers == {"REJECT"} else DROP
        pods = frozenset(a.split()[0] for a in answers)
        (seen_as,) = {"itself" if a.split()[1] == self.addresses[source] else "masqueraded" for a in answers}
        if destination in [self.addresses[pod] for pod in PODS]:
            return PASS
        return Outcome("to", pods, seen_as == "masqueraded")

    def dial(self, source: str, destination: str, port: int, protocol: str = "tcp") -> socket.socket:
        """Return a connected socket of `source`."""

        def connect() -> socket.socket:
            made = socket.socket(self.family.number, socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM)
            made.settimeout(TIMEOUT_SECONDS)
            try:
                made.connect((destination, port))
            except OSError:
                made.close()
                raise
            return made

        return namespaces.run(self.path[source], connect)

    def talk(self, connection: socket.socket) -> str:
        """Send a word; return the answer: the pod's name, and the source address it saw.

        Raises TimeoutError where none comes although the servers, who may have to wait for a processor, had their turn.
        """
        connection.send(b"?")
        try:
            return connection.recv(100).decode()
        except TimeoutError:
            self._let_servers_answer()
        connection.settimeout(0.01)
        try:
            return connection.recv(100).decode()
        finally:
            connection.settimeout(TIMEOUT_SECONDS)

    def _let_servers_answer(self) -> None:
        """Wait until they have looked for what came twice: for a connection, and for what is said on it."""
        enough = self._rounds + 3  # the one under way may be over as good as
        while self._rounds < enough and self._thread.is_alive():
            time.sleep(0.005)

    def stray(self, source: str, destination: str) -> list[str]:
        """Send a TCP reset of no connection; return whom it came from, if it came."""
        ends = self.addresses[source], self.addresses[destination]
        reset = tcp_reset(*ends)
        with namespaces.run(self.path[destination], self._raw) as receiver:
            receiver.settimeout(TIMEOUT_SECONDS)
            with namespaces.run(self.path[source], self._raw) as sender:
                sender.sendto(reset, (ends[1], 0))
            try:
                while True:
                    data, peer = receiver.recvfrom(100)
                    if data.endswith(reset):
                        return [peer[0]]
            except TimeoutError:
                return []

    def _raw(self) -> socket.socket:
        return socket.socket(self.family.number, socket.SOCK_RAW, socket.IPPROTO_TCP)

    def _ask(self, source: str, destination: str, port: int, protocol: str) -> str:
        try:
            with self.dial(source, destination, port, protocol) as connection:
                return self.talk(connection)
        except ConnectionRefusedError:
            return "REJECT"
        except TimeoutError:
            return "DROP"

    def listen(self, pod: str, kind: int, port: int = TARGET_PORT) -> None:
        """Add a server to a pod."""

        def bind() -> socket.socket:
            made = socket.socket(self.family.number, kind)
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((self.family.any, port))
            if kind == socket.SOCK_STREAM:
                made.listen(64)
            made.setblocking(False)
            return made

        server = namespaces.run(self.path[pod], bind)
        self._selector.register(server, selectors.EVENT_READ, (pod, kind == socket.SOCK_STREAM))

    def _serve(self) -> None:
        while not self._stopped:
            for key, _ in self._selector.select(0.02):
                pod, listening = key.data
                made: socket.socket = key.fileobj  # type: ignore[assignment]
                with contextlib.suppress(OSError):
                    self._answer(made, pod, listening)
            self._rounds += 1

    def _answer(self, made: socket.socket, pod: str, listening: bool) -> None:
        if listening:
            connection, _ = made.accept()
            self._selector.register(connection, selectors.EVENT_READ, (pod, False))
        elif made.type == socket.SOCK_DGRAM:
            _, peer = made.recvfrom(100)
            made.sendto(f"{pod} {peer[0]}".encode(), peer)
        elif made.recv(100):
            made.send(f"{pod} {made.getpeername()[0]}".encode())
        else:
            self._selector.unregister(made)
            made.close()

    def _wire_host(self) -> None:
        for name in ("ipv4/ip_forward", "ipv6/conf/all/forwarding"):
            sysctl(f"net/{name}", "1")
        with Links() as links:
            links.loopback_up()
            links.veth("lan0", "eth0", self.path["client"])
            links.address("lan0", self.addresses["host"], self._lan_bits)
            links.up("lan0")
            links.route(self.family.everywhere, via=self.addresses["client"])
            for pod in PODS:
                links.veth(f"veth-{pod}", "eth0", self.path[pod])
                links.address(f"veth-{pod}", self._gateway, self.family.bits)
                links.up(f"veth-{pod}")
                links.route(self.family.alone(self.addresses[pod]), link=f"veth-{pod}")

    def _wire_client(self) -> None:
        with Links() as links:
            links.loopback_up()
            links.address("eth0", self.addresses["client"], self._lan_bits)
            links.up("eth0")
            for cidr in ("10.96.0.0/12", "10.244.0.0/16", "192.168.51.100/32", "192.168.51.101/32"):
                links.route(told_in(self.family, cidr), via=self.addresses["host"])

    def _wire_pod(self, address: str) -> None:
        with Links() as links:
            links.loopback_up()
            links.address("eth0", address, self.family.bits)
            links.up("eth0")
            links.route(self.family.alone(self._gateway), link="eth0")
            links.route(self.family.everywhere, via=self._gateway)

    @property
    def _gateway(self) -> str:
        return told_in(self.family, GATEWAY)

    @property
    def _lan_bits(self) -> int:
        return int(told_in(self.family, "192.168.51.0/24").partition("/")[2])


@contextlib.contextmanager
def small_world(family: Family = Family.V4) -> Iterator[World]:
    """Make the world, and take it away whatever happens."""
    directory = Path(tempfile.mkdtemp(prefix="wherry-test-", dir="/run"))
    world = World(directory, family)
    try:
        world.start()
        yield world
    finally:
        world.stop()
        shutil.rmtree(directory)


def tcp_reset(source: str, destination: str) -> bytes:
    """Return a TCP reset from port 8080 to 50000 with a right checksum (RFC 9293, 3.1)."""
    header = struct.pack("!HHIIBBHHH", TARGET_PORT, 50000, 7, 0, 5 << 4, 4, 0, 0, 0)
    ends = ip_address(source).packed + ip_address(destination).packed
    words = struct.unpack(f"!{(len(ends) + len(header)) // 2}H", ends + header)
    total = sum(words) + socket.IPPROTO_TCP + len(header)
    total = (total & 0xFFFF) + (total >> 16)
    total = (total & 0xFFFF) + (total >> 16)
    return header[:16] + struct.pack("!H", ~total & 0xFFFF) + header[18:]


def is_root() -> bool:
    return os.geteuid() == 0
