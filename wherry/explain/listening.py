"""Who listens where a connection ends (pure); what was seen of that is in the snapshot."""

from __future__ import annotations

from wherry.explain.snapshot import Snapshot, Socket
from wherry.explain.step import Step
from wherry.objects import Object, metadata
from wherry.objects.meaning import pods
from wherry.proxy.plan import Frontend

MOST_PORTS = 8
"""How many of the ports that somebody does listen on are told."""


def step_of(server: Object | None, node: str, to: Frontend, snapshot: Snapshot) -> Step:
    """Return the step that says whether somebody listens: in a pod, or, without one, on a node."""
    place = server["metadata"].get("uid", "") if server else node
    name = f"pod {'/'.join(metadata.key(server))}" if server else f"node {node}" if node else to.address
    if place in snapshot.listening:
        return _seen(name, to, snapshot.listening[place])
    asked = f"{to.port}/{to.protocol}"
    if server is None:
        return Step("listening", f"whether anything listens on {asked} is not known here", (name,))
    ready = "says that it is ready" if pods.is_ready(server) else "is not ready"
    return Step("listening", f"whether anything listens on {asked} is not seen from here", (f"{name} {ready}",))


def _seen(name: str, to: Frontend, sockets: frozenset[Socket]) -> Step:
    asked = f"{to.port}/{to.protocol}"
    answering = {to.address, to.family.any, "::"}
    mine = {address for protocol, address, port in sockets if (protocol, port) == (to.protocol, to.port)}
    if mine & answering:
        return Step("listening", f"somebody listens on {asked}", (name,))
    if to.protocol == "SCTP":
        return Step("listening", f"whether anything listens on {asked} is not seen", (name,))
    if mine:
        where = f"by {to.family.other} alone" if to.family.other.any in mine else "where nobody else reaches it"
        text = f"who listens on {asked} does so {where}: connection refused"
        return Step("listening", text, (f"{name}: {', '.join(sorted(mine))} alone",), ends=True)
    others = sorted({port for protocol, _, port in sockets if protocol == to.protocol})
    instead = ", ".join(f"{port}/{to.protocol}" for port in others[:MOST_PORTS]) or "nothing"
    refused = "connection refused" if to.protocol == "TCP" else "refused, where the client hears of it"
    return Step("listening", f"nothing listens on {asked}: {refused}", (f"{name} listens on {instead}",), ends=True)
