"""A small cluster for DNS tests, as plain objects."""

from tests.fake.client import FakeClient
from wherry.objects import Object
from wherry.objects.resource import ENDPOINT_SLICES, NAMESPACES, SERVICES, Resource


def service(name: str, namespace: str = "demo", **spec: object) -> Object:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": namespace}, "spec": spec}


def slice_of(
    service_name: str, *endpoints: Object, namespace: str = "demo", ports: list[Object] | None = None, suffix: str = "1"
) -> Object:
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": f"{service_name}-{suffix}",
            "namespace": namespace,
            "labels": {"kubernetes.io/service-name": service_name},
        },
        "addressType": "IPv4",
        "endpoints": list(endpoints),
        "ports": ports if ports is not None else [{"name": "db", "port": 3306, "protocol": "TCP"}],
    }


def endpoint(address: str, *, ready: bool | None = True, hostname: str | None = None) -> Object:
    made: Object = {"addresses": [address], "conditions": {"ready": ready}}
    if hostname:
        made["hostname"] = hostname
    return made


OBJECTS: list[tuple[Resource, Object]] = [
    (NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}}),
    (NAMESPACES, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "kube-system"}}),
    (SERVICES, service("kube-dns", "kube-system", clusterIP="10.96.0.10", clusterIPs=["10.96.0.10"], ports=[
        {"name": "dns", "port": 53, "protocol": "UDP"}, {"name": "dns-tcp", "port": 53, "protocol": "TCP"}])),
    (SERVICES, service("mysql", clusterIP="10.100.42.154", clusterIPs=["10.100.42.154"], ports=[{"port": 3306}])),
    (SERVICES, service("web", clusterIP="10.100.0.7", clusterIPs=["10.100.0.7"], ports=[
        {"name": "http", "port": 80, "protocol": "TCP"}])),
    (SERVICES, service("headless", clusterIP="None", clusterIPs=["None"], ports=[{"name": "db", "port": 3306}])),
    (SERVICES, service("nobody", clusterIP="None", ports=[{"name": "db", "port": 3306}])),
    (SERVICES, service("early", clusterIP="None", publishNotReadyAddresses=True, ports=[{"name": "db", "port": 3306}])),
    (SERVICES, service("outside", type="ExternalName", externalName="web.demo.svc.cluster.local")),
    (ENDPOINT_SLICES, slice_of("mysql", endpoint("10.244.1.5"))),
    (ENDPOINT_SLICES, slice_of("headless", endpoint("10.244.1.2", hostname="db-0"), endpoint("10.244.2.3"),
                               endpoint("10.244.2.4", ready=False))),
    (ENDPOINT_SLICES, slice_of("early", endpoint("10.244.2.9", ready=False))),
]  # fmt: skip


async def fake() -> FakeClient:
    client = FakeClient()
    for resource, obj in OBJECTS:
        await client.create(resource, obj, obj["metadata"].get("namespace"))
    return client
