"""The machine's ports for the Ingress: connections go to whichever controller is ready.

While none is, clients wait a while for one; then http gets a 503 that says why, https a reset.
"""

from __future__ import annotations

import itertools
import logging
import socket
from collections.abc import Callable, Iterable, Mapping

from wherry.cluster.relay.address import Address, Dial
from wherry.cluster.relay.stream import StreamRelay
from wherry.component.component import Component
from wherry.objects import Object
from wherry.objects.meaning.pods import addresses, is_ready
from wherry.objects.metadata import is_being_deleted, labels
from wherry.objects.resource import PODS

log = logging.getLogger(__name__)

INGRESS_LABELS = "app.kubernetes.io/name=ingress-nginx"
COMPONENT_LABEL, CONTROLLER = "app.kubernetes.io/component", "controller"
"""Which of ingress-nginx a pod is: of its manifest, Jobs and a default backend are called ingress-nginx as well."""
INGRESS_PATIENCE_SECONDS = 10.0
"""How long a client of the ingress waits for a controller: about as long as a deleted one takes to be replaced."""
_SORRY = b"no Ingress controller is ready to answer: see kubectl -n wherry-ingress get pods\n"
UNAVAILABLE = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nContent-Length: %d\r\nRetry-After: 1\r\n"
    b"Connection: close\r\n\r\n%s" % (len(_SORRY), _SORRY)
)


def ingress_addresses(pods: Iterable[Object]) -> list[str]:
    """Return the addresses of the ready ingress controller pods, sorted.

    While all of them are being deleted, they are those that still serve (KEP-1669's rule for terminating endpoints).
    """
    ready = [pod for pod in pods if is_ready(pod) and labels(pod).get(COMPONENT_LABEL, CONTROLLER) == CONTROLLER]
    staying = [pod for pod in ready if not is_being_deleted(pod)]
    return sorted({address for pod in staying or ready for address in addresses(pod)[:1]})


class IngressForward:
    """The two listeners of the Ingress; `dial` makes sockets in the LAN."""

    def __init__(self, component: Component, dial: Dial):
        self._dial = dial
        self._turn = itertools.count()
        self._addresses: list[str] = []
        pods = component.follow(PODS, labels=INGRESS_LABELS)
        pods.subscribe(lambda old, new: self._set(ingress_addresses(pods.items())))

    async def serve(self, sockets: Mapping[str, socket.socket]) -> None:
        """Take connections from now on, on the listening sockets `http` and `https`."""
        for name, port, apology in (("http", 80, UNAVAILABLE), ("https", 443, b"")):
            relay = StreamRelay(self._dial, self._target(port), lambda: INGRESS_PATIENCE_SECONDS, apology)
            await relay.serve(sockets[name])

    def _set(self, addresses: list[str]) -> None:
        if addresses != self._addresses:
            log.info("ingress addresses=%s", ",".join(addresses) or "none")
        self._addresses = addresses

    def _target(self, port: int) -> Callable[[], Address | None]:
        def target() -> Address | None:
            if not self._addresses:
                return None
            return self._addresses[next(self._turn) % len(self._addresses)], port

        return target
