"""A connection to an address and port, step by step (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from wherry.explain import listening, nat, policy, service
from wherry.explain.snapshot import Snapshot
from wherry.explain.source import Place, Source
from wherry.explain.step import Step
from wherry.objects import Object, metadata
from wherry.objects.family import bracketed
from wherry.objects.meaning import nodes, pods
from wherry.objects.meaning.services import protocol as protocol_of
from wherry.proxy.endpoint import Endpoint
from wherry.proxy.plan import Frontend, Kind, Route

MOST_ENDPOINTS = 20
"""How many endpoints of a Service are followed."""


def follow(source: Source, target: Frontend, snapshot: Snapshot, via: str = "") -> tuple[list[Step], bool, str]:
    """Return the steps of a connection, whether it would be answered, and what comes of it, as a sentence.

    `via`: the node to which the network takes what is for a load balancer, "" for any.
    """
    steps: list[Step] = []
    if target in snapshot.relayed and source.place is Place.OUTSIDE:
        relayed = snapshot.relayed[target]
        steps.append(Step("relay", f"wherry's relay listens there for the cluster, and asks {relayed} from its LAN"))
        target = relayed
    for step in _steps(source, target, snapshot, via):
        steps.append(step)
        if step.ends:
            return steps, False, _because(step)
    return steps, True, steps[-1].text


def _because(step: Step) -> str:
    return f"{step.about}: {step.text}"


def _steps(source: Source, target: Frontend, snapshot: Snapshot, via: str) -> Iterator[Step]:
    if target.address in (target.family.loopback, target.family.any):
        here = source.text.split(",")[0]
        yield Step("address", f"{target.address} is the loopback of {here}: no Service is reached there", ends=True)
        return
    node = _acting(source, target, snapshot, via)
    route = snapshot.plan(node).routes.get(target) if node else None
    if route is not None:
        yield from _to_service(source, route, node, snapshot)
        return
    if (step := service.unserved(target.address, target.protocol, target.port, snapshot)) is not None:
        yield step
    elif pod := snapshot.pod_at(target.address):
        yield from _to_pod(source, pod, target, snapshot)
    elif there := snapshot.node_at(target.address):
        yield from _to_node(source, there, target, snapshot)
    else:
        yield from _to_the_world(source, target, snapshot)


def _acting(source: Source, target: Frontend, snapshot: Snapshot, via: str) -> str:
    """Return the node whose proxy decides: that of the source, or the one that is asked from elsewhere."""
    if source.node and target in snapshot.plan(source.node).routes:
        return source.node
    if asked := snapshot.node_at(target.address):
        return str(asked["metadata"]["name"])
    if source.node:
        return source.node
    names = [via] if via else [node["metadata"]["name"] for node in snapshot.nodes if nodes.is_ready(node)]
    routes = ((name, snapshot.plan(name).routes.get(target)) for name in names)
    serving = (name for name, route in routes if route and service.choice_of(route, source, name).endpoints)
    return next(serving, next(iter(names), ""))


# A Service


def _to_service(source: Source, route: Route, node: str, snapshot: Snapshot) -> Iterator[Step]:
    address = source.address(route.frontend.family)
    yield service.step_of(route)
    if source.place is Place.OUTSIDE:
        if route.kind is Kind.ClusterIP:
            yield Step("route", "only nodes and pods know a way to cluster IPs: from outside there is none", ends=True)
            return
        if route.kind is not Kind.NodePort:
            yield Step("route", f"taken to be led to {node} by the network; --via says another node")
    elif node != source.node:
        yield _between(source.node, node, snapshot)
    if (step := service.admission(route, address)) is not None:
        yield step
        return
    choice = service.choice_of(route, source, node)
    step = service.endpoints(route, choice, snapshot, node)
    yield step
    if not step.ends:
        followed = choice.endpoints[:MOST_ENDPOINTS]
        courses = [list(_to_endpoint(source, route, endpoint, node, snapshot)) for endpoint in followed]
        yield from _merged([endpoint.target for endpoint in followed], courses)


def _to_endpoint(source: Source, route: Route, endpoint: Endpoint, node: str, snapshot: Snapshot) -> Iterator[Step]:
    family, protocol = route.frontend.family, route.frontend.protocol
    client = source.address(family)
    why = nat.why_masqueraded(route, endpoint, source, node, snapshot)
    details = (f"source {client or 'of the client'} becomes {node}'s: {why}",) if why else ("the source stays",)
    yield Step("nat", "the destination becomes the endpoint's address and port", details)
    server = snapshot.pod_at(endpoint.address)
    where = pods.node_of(server) if server else _node_name(snapshot.node_at(endpoint.address))
    seen = nat.address_of(node, family, snapshot) if why and where != node else client
    to = Frontend(endpoint.address, protocol, endpoint.port)
    yield from _arriving(source, client, seen, server, to, node, where, snapshot)


# An address of somebody's own


def _to_pod(source: Source, pod: Object, target: Frontend, snapshot: Snapshot) -> Iterator[Step]:
    name, where = "/".join(metadata.key(pod)), pods.node_of(pod)
    yield Step("address", f"{target.address} is pod {name}'s own, on {where}: no Service is asked")
    if source.place is Place.OUTSIDE:
        yield Step("route", "pods' addresses are known to nodes and pods: from outside there is no way", ends=True)
        return
    client = source.address(target.family)
    yield from _arriving(source, client, client, pod, target, source.node, where, snapshot)


def _to_node(source: Source, node: Object, target: Frontend, snapshot: Snapshot) -> Iterator[Step]:
    name = _node_name(node)
    yield Step("address", f"{target.address} is node {name}'s, and port {target.port} no Service's there")
    client = source.address(target.family)
    if held := _host_port(name, target, snapshot):
        pod, port = held
        own = next((a for a in pods.addresses(pod) if (":" in a) == (":" in target.address)), "")
        to = Frontend(own, target.protocol, port)
        yield Step("nat", f"hostPort {target.port} of pod {'/'.join(metadata.key(pod))}: the destination becomes {to}")
        yield from _arriving(source, client, client, pod, to, source.node or name, name, snapshot)
        return
    yield from _arriving(source, client, client, None, target, source.node or name, name, snapshot)


def _to_the_world(source: Source, target: Frontend, snapshot: Snapshot) -> Iterator[Step]:
    if source.place is Place.OUTSIDE:
        text = f"{bracketed(target.address)} is nothing of this cluster's, and asked from outside it"
        yield Step("address", text, ends=True)
        return
    yield Step("address", f"{target.address} is no Service's, pod's or node's: it is outside the cluster")
    client = source.address(target.family)
    yield policy.step_of(_own_pod(source), client, client, None, target, snapshot)
    yield Step("route", f"{source.node} sends it on, with its own address as source; who answers is not known here")


# The last part, whoever is asked


def _arriving(
    source: Source,
    client: str,
    seen: str,
    server: Object | None,
    to: Frontend,
    node: str,
    where: str,
    snapshot: Snapshot,
) -> Iterator[Step]:
    """Yield the steps from `node`, where it is known what is asked, to who listens on `where`."""
    if source.place is Place.NODE and source.node == where:
        yield Step("policy", "not asked: what comes from a pod's own node is always let in")
    else:
        yield policy.step_of(_own_pod(source), client, seen, server, to, snapshot)
    yield _between(node, where, snapshot)
    yield listening.step_of(server, where, to, snapshot)


def _own_pod(source: Source) -> Object | None:
    return source.pod if source.place is Place.POD else None


def _between(here: str, there: str, snapshot: Snapshot) -> Step:
    if not there:
        return Step("route", f"from {here} on to where its routes lead; it is no pod or node of the cluster")
    node = snapshot.node(there)
    if here == there:
        return Step("route", f"it stays on {there}")
    if node is not None and not nodes.is_ready(node):
        return Step("route", f"from {here} to {there}, which is not ready: it may not be reached", ends=True)
    addresses = " ".join(nodes.addresses(node)) if node else ""
    return Step("route", f"from {here} to {there}, {addresses}")


def _host_port(node: str, target: Frontend, snapshot: Snapshot) -> tuple[Object, int] | None:
    """Return the pod that has a port of a node, and its own port for it."""
    for pod in snapshot.pods:
        if pods.node_of(pod) != node or pods.has_ended(pod) or pod["spec"].get("hostNetwork"):
            continue
        for container in pods.lasting_containers(pod["spec"]):
            for port in container.get("ports") or ():
                if (port.get("hostPort"), protocol_of(port)) == (target.port, target.protocol):
                    return pod, port["containerPort"]
    return None


def _node_name(node: Object | None) -> str:
    return str(node["metadata"]["name"]) if node else ""


# Several endpoints, one list of steps


def _merged(names: Sequence[str], courses: Sequence[Sequence[Step]]) -> Iterator[Step]:
    """Yield the steps of several courses of one kind: what they share once, else a line for each."""
    for steps in zip(*courses, strict=True):
        first = steps[0]
        if len({(step.text, step.ends) for step in steps}) == 1:
            yield replace(first, details=tuple(dict.fromkeys(line for step in steps for line in step.details)))
            continue
        lines = tuple(f"{name}: {'; '.join((s.text, *s.details))}" for name, s in zip(names, steps, strict=True))
        if lost := sum(step.ends for step in steps):
            which = "none" if lost == len(steps) else f"{len(steps) - lost} of {len(steps)}"
            yield Step(first.about, f"{which} of the endpoints can be had", lines, ends=True)
        else:
            yield Step(first.about, "it depends on the endpoint", lines)
