"""A connection from a place to a target, step by step: what `wherry trace` says (pure, but for asking names)."""

from __future__ import annotations

from wherry.explain import course, naming, source, target
from wherry.explain.naming import Names
from wherry.explain.snapshot import Snapshot
from wherry.explain.step import Step, Trace, TraceError
from wherry.explain.target import Target
from wherry.objects.meaning import services
from wherry.proxy.plan import Frontend


async def trace(
    whence: str, whither: str, namespace: str, snapshot: Snapshot, names: Names, via: str = "", outside: str = ""
) -> Trace:
    """Return what would become of a connection; raises `TraceError` for ends that are none.

    `namespace` is that of a pod it comes from, `via` a node's name (see `course.follow`), `outside` the address of
    whoever is outside and gives none.
    """
    begins = source.read(whence if whence != "outside" or not outside else f"outside/{outside}", namespace, snapshot)
    ends = target.read(whither)
    if via and snapshot.node(via) is None:
        raise TraceError(f"--via: there is no node {via}")
    steps: list[Step] = []
    address = ends.host
    if ends.is_name:
        steps, address = await naming.resolve(ends.host, begins, names, snapshot)
        if not address:
            return Trace(begins.text, whither, tuple(steps), False, f"{steps[-1].about}: {steps[-1].text}")
    frontend = Frontend(address, ends.protocol, ends.port or _only_port(ends, address, snapshot))
    more, answered, because = course.follow(begins, frontend, snapshot, via)
    return Trace(begins.text, f"{whither}", (*steps, *more), answered, because)


def _only_port(ends: Target, address: str, snapshot: Snapshot) -> int:
    """Return the port of a Service that has one."""
    for service in snapshot.services:
        if address in services.cluster_ips(service):
            held = [p["port"] for p in services.ports(service) if services.protocol(p) == ends.protocol]
            if len(held) == 1:
                return int(held[0])
            there = ", ".join(map(str, held)) or f"none for {ends.protocol}"
            raise TraceError(f"{ends.text}: which port? The Service has {there}: use {ends.host}:PORT")
    raise TraceError(f"{ends.text}: which port? Use {ends.host}:PORT")
