"""The host-forward component."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from wherry.client.interface import Client
from wherry.cluster.config import ClusterConfig
from wherry.cluster.hostforward.ingress import IngressForward
from wherry.cluster.hostforward.parking import Parking
from wherry.cluster.hostforward.services import ServiceListeners
from wherry.cluster.paths import LAN_NAMESPACE
from wherry.cluster.relay.address import Dial
from wherry.component.component import Component
from wherry.component.health import HealthServer
from wherry.net import namespaces
from wherry.net.listening import listen

HEALTH_PORT = 10260
"""/healthz and /metrics, beside the ports of Kubernetes' own components."""


class Dialer:
    """Makes sockets in the LAN's network namespace, with one thread that lives there."""

    def __init__(self, config: ClusterConfig):
        self._family = config.families[0]
        self._maker = ThreadPoolExecutor(1, initializer=namespaces.enter, initargs=(LAN_NAMESPACE,))

    def __call__(self, kind: socket.SocketKind) -> Dial:
        """Return who makes unconnected sockets of this kind."""

        def make() -> socket.socket:
            made = self._maker.submit(socket.socket, self._family.number, kind).result()
            made.setblocking(False)
            return made

        return make


async def run(config: ClusterConfig, client: Client, ingress: Mapping[str, socket.socket], parking: Parking) -> None:
    """Forward until cancelled; `ingress` has the listening sockets `http` and `https`, `parking` those of Services."""
    component = Component("host-forward", client)
    dialer = Dialer(config)
    ServiceListeners(config, component, dialer, parking)
    await IngressForward(component, dialer(socket.SOCK_STREAM)).serve(ingress)
    # On the LAN, not on the host: the host gains nothing but the listeners it was promised.
    listener = namespaces.run(LAN_NAMESPACE, listen, config.lan_gateway, HEALTH_PORT)
    await component.run(HealthServer(health=component.health, sock=listener))
