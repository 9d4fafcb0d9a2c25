"""The Service behind an address: who takes a new connection, and who does not, and why (pure)."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from wherry.explain.snapshot import Snapshot, is_within
from wherry.explain.source import Place, Source
from wherry.explain.step import Step
from wherry.objects import Object, metadata
from wherry.objects.family import parsed_network
from wherry.objects.meaning import services
from wherry.proxy.endpoint import Endpoint, candidates
from wherry.proxy.left_out import left_out
from wherry.proxy.plan import Kind, Route
from wherry.proxy.reasons import left_aside
from wherry.proxy.topology import Choice, Verdict

_CALLED = {
    Kind.ClusterIP: "the cluster IP",
    Kind.NodePort: "a node port",
    Kind.LoadBalancer: "the load balancer's address",
    Kind.ExternalIP: "an external IP",
}


def step_of(route: Route) -> Step:
    """Return the step that says whose an address and port are."""
    also = [f"a client stays with its endpoint for {route.affinity_seconds} s"] if route.affinity_seconds else []
    return Step("service", f"{route.frontend} is {_CALLED[route.kind]} of Service {route.owner}", tuple(also))


def admission(route: Route, address: str) -> Step | None:
    """Return the step that ends what a load balancer's source ranges do not let in."""
    networks = [n for cidr in route.sources if (n := parsed_network(cidr)) is not None]
    if not networks or any(ip_address(address) in network for network in networks):
        return None
    text = f"loadBalancerSourceRanges let in {', '.join(route.sources)}, not {address}: dropped, so it times out"
    return Step("service", text, ends=True)


def choice_of(route: Route, source: Source, node: str) -> Choice:
    """Return the endpoints that `node` has for one who comes from there: other nodes are outside, to it."""
    outside = source.place is Place.OUTSIDE or (source.place is Place.NODE and source.node != node)
    return route.outside if route.outside is not None and outside else route.inside


def endpoints(route: Route, choice: Choice, snapshot: Snapshot, node: str) -> Step:
    """Return the step that says which endpoints a connection may get, and why the others are none of them."""
    key = (route.owner.namespace, route.owner.name)
    service, slices = snapshot.service(key), snapshot.slices_of(key)
    here = snapshot.this_node(node)
    found = candidates(slices, route.owner.port, route.frontend.protocol, route.frontend.family, node)
    aside = left_aside(found, choice, here)
    details = [f"{named(endpoint, snapshot)}" for endpoint in choice.endpoints]
    details += [f"not {named(endpoint, snapshot)}: {why}" for endpoint, why in aside.items()]
    details += [f"left out: {line}" for line in (left_out(service, slices) if service else ())]
    if choice.endpoints:
        count = len(choice.endpoints)
        text = "the one endpoint there is" if count == 1 else f"one of {count} endpoints, at random"
        return Step("endpoints", f"{node} takes {text}", tuple(details))
    if not found and service is not None:
        details += _why_none(service, route, snapshot)
    if choice.otherwise is Verdict.DROP:
        text = f"{node} has no endpoint of its own, and the traffic policy is Local: dropped, so it times out"
    else:
        text = "there is none to take it: connection refused"
    return Step("endpoints", text, tuple(details), ends=True)


def unserved(address: str, protocol: str, port: int, snapshot: Snapshot) -> Step | None:
    """Return the step that ends what is for a cluster IP, but for no port of its Service; None for other addresses."""
    for service in snapshot.services:
        if address in services.cluster_ips(service):
            name = "/".join(metadata.key(service))
            held = ", ".join(f"{p['port']}/{services.protocol(p)}" for p in services.ports(service))
            if any((p["port"], services.protocol(p)) == (port, protocol) for p in services.ports(service)):
                text = f"{address} is the cluster IP of Service {name}, which is labelled as another proxy's"
            else:
                text = f"Service {name} has no port {port}/{protocol}, it has {held}: connection refused"
            return Step("service", text, ends=True)
    if is_within(address, snapshot.service_cidrs):
        text = f"{address} is where cluster IPs come from, and no Service has it: dropped, so it times out"
        return Step("service", text, ends=True)
    return None


def named(endpoint: Endpoint, snapshot: Snapshot) -> str:
    """Return an endpoint with the pod or node that it is."""
    if pod := snapshot.pod_at(endpoint.address):
        return f"{endpoint.target}  pod {'/'.join(metadata.key(pod))} on {pod['spec'].get('nodeName')}"
    if node := snapshot.node_at(endpoint.address):
        return f"{endpoint.target}  on node {node['metadata']['name']}"
    return f"{endpoint.target}  no pod or node of the cluster"


def _why_none(service: Object, route: Route, snapshot: Snapshot) -> Iterator[str]:
    """Say what is wrong where a Service has no endpoint at all, not even one that is not ready."""
    namespace = metadata.key(service)[0]
    if not services.has_selector(service):
        yield "the Service has no selector, and nobody has made it an EndpointSlice"
        return
    selector = ",".join(f"{k}={v}" for k, v in service["spec"]["selector"].items())
    chosen = [pod for pod in snapshot.pods if metadata.key(pod)[0] == namespace and services.selects(service, pod)]
    if not chosen:
        yield f"its selector {selector} is that of no pod in {namespace}"
        return
    names = ", ".join(pod["metadata"]["name"] for pod in chosen)
    port = route.owner.port or route.frontend.port
    yield f"its selector {selector} finds {names}, without an address or a port for {port}: see targetPort"
