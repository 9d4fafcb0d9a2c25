"""The edge to a cluster of `wherry up`: what its nodes and pods listen on, and what its relay takes here."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import replace
from ipaddress import ip_address

from wherry.cluster.config import ClusterConfig
from wherry.cluster.hostforward.ingress import INGRESS_LABELS, ingress_addresses
from wherry.cluster.hostforward.plan import of_service
from wherry.cluster.paths import node_namespace, node_run
from wherry.explain.snapshot import Snapshot, Socket
from wherry.objects import Object, metadata, selectors
from wherry.objects.meaning import pods
from wherry.proxy.plan import Frontend

LISTENS = {"tcp": "0A", "udp": "07"}
"""The states of who takes what comes, in /proc/net: LISTEN, and a datagram socket that is not connected."""
SECONDS = 10.0
_SCRIPT = (
    'for place; do echo "@ ${place%%=*}"; nsenter --net="${place#*=}" sh -c '
    "'for t in tcp tcp6 udp udp6; do echo \"= $t\"; cat /proc/self/net/$t; done'; done 2>/dev/null"
)


def with_what_is_seen(known: Snapshot, config: ClusterConfig, init: int) -> Snapshot:
    """Return a snapshot with what is listened on, in each node and pod, and what the relay takes. Needs root."""
    relayed: dict[Frontend, Frontend] = {}
    for service in known.services:
        for listener, forward in of_service(service, known.slices_of(metadata.key(service)), config).items():
            at = Frontend(listener.address, listener.protocol, listener.port)
            relayed[at] = Frontend(forward.target[0], listener.protocol, forward.target[1])
    if controllers := ingress_addresses(filter(_is_of_ingress, known.pods)):
        for here, there in ((config.http_port, 80), (config.https_port, 443)):
            relayed[Frontend(config.bind, "TCP", here)] = Frontend(controllers[0], "TCP", there)
    return replace(known, listening=_listening(known, init), relayed=relayed)


def _is_of_ingress(pod: Object) -> bool:
    return selectors.parse_labels(INGRESS_LABELS).matches(metadata.labels(pod))


def _listening(known: Snapshot, init: int) -> Mapping[str, frozenset[Socket]]:
    places = dict(_places(known))
    words = [f"{place}={path}" for place, path in places.items()]
    command = ["nsenter", f"--target={init}", "--mount", "--pid", "--", "sh", "-c", _SCRIPT, "sh", *words]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return read(done.stdout)


def _places(known: Snapshot) -> Iterator[tuple[str, str]]:
    """Yield each node and pod with its network namespace; a pod in its node's has that one."""
    for node in known.nodes:
        name = node["metadata"]["name"]
        yield name, str(node_namespace(name))
    for pod in known.pods:
        if (name := pods.node_of(pod)) and not pods.has_ended(pod):
            uid = pod["metadata"]["uid"]
            own = node_run(name) / "pods" / uid / "net"
            yield uid, str(node_namespace(name) if pod["spec"].get("hostNetwork") else own)


def read(text: str) -> dict[str, frozenset[Socket]]:
    """Return what the script printed: by place, the sockets that take what comes. Pure.

    A place that could not be looked at, as it is gone, is left out.
    """
    found: dict[str, set[Socket]] = {}
    place, table = "", ""
    for line in text.splitlines():
        mark, _, rest = line.partition(" ")
        if mark == "@":
            place = rest
        elif mark == "=":
            table = rest
            found.setdefault(place, set())
        elif (words := line.split()) and words[0].endswith(":") and words[3] == LISTENS[table[:3]]:
            address, _, port = words[1].partition(":")
            found[place].add((table[:3].upper(), _address(address), int(port, 16)))
    return {at: frozenset(sockets) for at, sockets in found.items()}


def _address(words: str) -> str:
    """Return an address of /proc/net: 32-bit words in the byte order of this machine, which is little-endian."""
    packed = b"".join(bytes.fromhex(words[i : i + 8])[::-1] for i in range(0, len(words), 8))
    address = ip_address(packed)
    mapped = getattr(address, "ipv4_mapped", None)
    return str(mapped or address)
