"""A webhook that is reached by a Service: where it is answered, and as whom."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.apiserver.admission.hookserver import HookServer, allowed
from tests.apiserver.harness import Cluster
from wherry.apiserver.calls.services import Services
from wherry.apiserver.calls.webhook import CallFailed, Webhooks
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.resource import ENDPOINT_SLICES, ENDPOINTS, SERVICES

REVIEW = b'{"kind": "AdmissionReview", "apiVersion": "admission.k8s.io/v1", "request": {"uid": "u"}}'


class Here(Services):
    """All Services are answered at one port of this machine."""

    def __init__(self, port: int):
        self._port = port

    def endpoint(self, namespace: str, name: str, port: int) -> tuple[str, int]:
        return "127.0.0.1", self._port


def service(name: str = "hook", port: int = 8443) -> Object:
    return {"namespace": "demo", "name": name, "path": "/check", "port": port}


async def test_a_service_must_prove_its_own_name_whatever_address_answers(tmp_path: Path) -> None:
    async with HookServer(tmp_path, names=("hook.demo.svc",)) as server:
        server.answers["check"] = allowed
        calls = Webhooks(Here(server.port))
        for _ in range(2):
            assert b'"allowed": true' in await calls.post({"service": service(), "caBundle": server.ca}, REVIEW, 5)
        assert server.sent[0]["Host"] == "hook.demo.svc:8443"
        with pytest.raises(
            CallFailed, match=r'Post "https://other.demo.svc:8443/check\?timeout=5s": tls: failed to ver'
        ):
            await calls.post({"service": service("other"), "caBundle": server.ca}, REVIEW, 5)
        await calls.close()


async def test_a_ready_endpoint_of_the_port_that_is_meant_is_chosen(cluster: Cluster) -> None:
    services = Services(cluster.server.api.registry.state)
    with pytest.raises(ApiError, match='services "web" not found'):
        services.endpoint("demo", "web", 80)
    ports = [{"name": "a", "port": 80}, {"name": "b", "port": 443}]
    await cluster.client.create(SERVICES, {"metadata": {"name": "web"}, "spec": {"ports": ports}}, "demo")
    with pytest.raises(ApiError, match='no service port 81 found for service "web"'):
        services.endpoint("demo", "web", 81)
    with pytest.raises(ApiError, match='no endpoints available for service "web"'):
        services.endpoint("demo", "web", 443)
    piece = {
        "metadata": {"name": "web-1", "labels": {"kubernetes.io/service-name": "web"}},
        "addressType": "IPv4",
        "endpoints": [
            {"addresses": ["10.0.0.1"], "conditions": {"ready": False}},
            {"addresses": ["10.0.0.2"], "conditions": {"ready": True}},
        ],
        "ports": [{"name": "b", "port": 8443}],
    }
    await cluster.client.create(ENDPOINT_SLICES, piece, "demo")
    assert services.endpoint("demo", "web", 443) == ("10.0.0.2", 8443)
    subset = {"addresses": [{"ip": "10.0.0.3"}], "ports": [{"name": "b", "port": 9443}]}
    await cluster.client.create(ENDPOINTS, {"metadata": {"name": "web"}, "subsets": [subset]}, "demo")
    assert services.endpoint("demo", "web", 443) == ("10.0.0.3", 9443)


@pytest.mark.parametrize(
    ("config", "why"),
    [
        ({}, "its clientConfig names neither a URL nor a Service"),
        ({"service": {"name": "web"}}, "its clientConfig names neither a URL nor a Service"),
        ({"service": {}, "url": "https://[::1"}, 'Post "https://[::1?timeout=1s": Invalid IPv6 URL'),
        ({"service": {"name": "a b", "namespace": "\n"}}, 'Post "https://a b.\n.svc:443/?timeout=1s": '),
        ({"url": "garbage"}, 'Post "garbage?timeout=1s": '),
        ({"url": "https://127.0.0.1:1", "caBundle": "!"}, 'Post "https://127.0.0.1:1?timeout=1s": '),
    ],
)
async def test_a_webhook_that_names_no_place_fails_and_breaks_nothing(
    cluster: Cluster, config: Object, why: str
) -> None:
    webhooks = Webhooks(Services(cluster.server.api.registry.state))
    with pytest.raises(CallFailed) as failed:
        await webhooks.post(config, b"{}", 1)
    assert str(failed.value).startswith(why)
    await webhooks.close()
