"""The host's way in: loopback listeners on the host, connections made from the cluster's LAN.

Every NodePort listens on the host's loopback at its own number, and the ingress ports reach the ready controller pods.
While none is, clients of the ingress ports wait a while for one; then http gets a 503 that says why, https a reset.
This process lives in the host's network namespace; the sockets it dials with are made in the LAN's, so the cluster
sees an outside client at the LAN's first address, and the host's own network is never touched.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor

from wherry.client.interface import Client
from wherry.cluster.config import ClusterConfig
from wherry.cluster.paths import LAN_NAMESPACE
from wherry.cluster.relay.address import Address
from wherry.cluster.relay.datagram import DatagramRelay
from wherry.cluster.relay.stream import StreamRelay
from wherry.component.component import Component
from wherry.component.health import HealthServer
from wherry.net import namespaces
from wherry.net.listening import listen
from wherry.objects import Object
from wherry.objects.meaning.pods import addresses, is_ready
from wherry.objects.meaning.services import ports, protocol
from wherry.objects.metadata import is_being_deleted
from wherry.objects.resource import PODS, SERVICES

log = logging.getLogger(__name__)

INGRESS_LABELS = "app.kubernetes.io/name=ingress-nginx"
HEALTH_PORT = 10260  # /healthz and /metrics, beside the ports of Kubernetes' own components
INGRESS_PATIENCE_SECONDS = 10.0
"""How long a client of the ingress waits for a controller: about as long as a deleted one takes to be replaced."""
_SORRY = b"no Ingress controller is ready to answer: see kubectl -n ingress-nginx get pods\n"
UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nRetry-After: 1\r\n"
    b"Connection: close\r\n\r\n%s" % (len(_SORRY), _SORRY)
)
PortKey = tuple[str, int]
"""(protocol, node port)."""


def node_ports(services: Iterable[Object]) -> set[PortKey]:
    """Return every NodePort the services ask for (protocols TCP and UDP; SCTP has no loopback relay)."""
    return {
        (protocol(port), port["nodePort"])
        for service in services
        for port in ports(service)
        if port.get("nodePort") and protocol(port) in ("TCP", "UDP")
    }


def ingress_addresses(pods: Iterable[Object]) -> list[str]:
    """Return the addresses of the ready ingress controller pods, sorted.

    While all of them are being deleted, they are those that still serve (KEP-1669's rule for terminating endpoints).
    """
    ready = [pod for pod in pods if is_ready(pod)]
    staying = [pod for pod in ready if not is_being_deleted(pod)]
    return sorted({address for pod in staying or ready for address in addresses(pod)[:1]})


class HostForward:
    """The listeners of one cluster, following its Services and ingress pods."""

    def __init__(self, config: ClusterConfig, component: Component):
        self._config = config
        # One thread that lives in the LAN's namespace, only to make sockets there.
        self._maker = ThreadPoolExecutor(1, initializer=namespaces.enter, initargs=(LAN_NAMESPACE,))
        self._open: dict[PortKey, StreamRelay | DatagramRelay] = {}
        self._turn = itertools.count()
        self._ingress: list[str] = []
        self._changed = asyncio.Event()
        self._component = component
        self._services = component.follow(SERVICES)
        self._services.subscribe(lambda old, new: self._changed.set())
        pods = component.follow(PODS, labels=INGRESS_LABELS)
        pods.subscribe(lambda old, new: self._set_ingress(ingress_addresses(pods.items())))
        component.task("node ports", self._follow)

    async def serve(self, ingress: Mapping[str, socket.socket]) -> None:
        """Take connections to the ingress from now on, on the listening sockets `http` and `https`."""
        for name, port, apology in (("http", 80, UNAVAILABLE), ("https", 443, b"")):
            target = self._ingress_target(port)
            relay = StreamRelay(self._dialer(socket.SOCK_STREAM), target, INGRESS_PATIENCE_SECONDS, apology)
            await relay.serve(ingress[name])

    async def _follow(self) -> None:
        await self._component.synced()
        while True:
            self._changed.clear()
            await self._apply(node_ports(self._services.items()))
            await self._changed.wait()

    async def _apply(self, wanted: set[PortKey]) -> None:
        for key in set(self._open) - wanted:
            self._open.pop(key).close()
            log.info("closed protocol=%s port=%d", *key)
        for key in sorted(wanted - set(self._open)):
            try:
                self._open[key] = await self._listen(*key)
            except OSError as error:
                log.warning(
                    "cannot listen on %s:%d/%s: %s; reach it through a node's address (`wherry shell`)",
                    self._config.bind,
                    key[1],
                    key[0],
                    error.strerror,
                )
            else:
                log.info("listening protocol=%s port=%d", *key)

    async def _listen(self, protocol: str, port: int) -> StreamRelay | DatagramRelay:
        def target() -> Address:
            return self._config.control_plane.address, port

        if protocol == "TCP":
            stream = StreamRelay(self._dialer(socket.SOCK_STREAM), target)
            await stream.serve(listen(self._config.bind, port))
            return stream
        datagram = DatagramRelay(self._dialer(socket.SOCK_DGRAM), target)
        await datagram.serve((self._config.bind, port))
        return datagram

    def _dialer(self, kind: socket.SocketKind) -> Callable[[], socket.socket]:
        family = self._config.families[0]

        def make() -> socket.socket:
            made = self._maker.submit(socket.socket, family.number, kind).result()
            made.setblocking(False)
            return made

        return make

    def _set_ingress(self, addresses: list[str]) -> None:
        if addresses != self._ingress:
            log.info("ingress addresses=%s", ",".join(addresses) or "none")
        self._ingress = addresses

    def _ingress_target(self, port: int) -> Callable[[], Address | None]:
        def target() -> Address | None:
            if not self._ingress:
                return None
            return self._ingress[next(self._turn) % len(self._ingress)], port

        return target


async def run(config: ClusterConfig, client: Client, ingress: Mapping[str, socket.socket]) -> None:
    """Forward until cancelled; `ingress` holds the listening sockets `http` and `https`."""
    component = Component("host-forward", client)
    await HostForward(config, component).serve(ingress)
    # On the LAN, not on the host: the host gains nothing but the listeners it was promised.
    listener = namespaces.run(LAN_NAMESPACE, listen, config.lan_gateway, HEALTH_PORT)
    await component.run(HealthServer(health=component.health, sock=listener))
