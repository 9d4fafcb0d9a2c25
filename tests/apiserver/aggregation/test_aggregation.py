"""Another API server behind this one, with real certificates, real kubectl, and what can be wrong with it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.apiserver.aggregation.wardle import GROUP, NAME, PATH, VERSION, Wardle
from tests.apiserver.customresources.boats import definition
from tests.apiserver.harness import Cluster
from tests.client.certificates import Authority
from wherry.apiserver.calls.remotes import Pair
from wherry.objects import Object, metadata
from wherry.objects.errors import NotFound
from wherry.objects.resource import API_SERVICES, CONFIG_MAPS, CUSTOM_RESOURCE_DEFINITIONS, NAMESPACES, ROLES, SERVICES

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


@pytest.fixture
async def front(tmp_path: Path) -> Authority:
    """The CA by which other servers know this one."""
    front = Authority("front-proxy-ca")
    certificate, key = front.issue("front-proxy-client")
    (tmp_path / "front.crt").write_bytes(certificate)
    (tmp_path / "front.key").write_bytes(key)
    (tmp_path / "front-ca.crt").write_bytes(front.pem)
    return front


@pytest.fixture
async def aggregator(tmp_path: Path, front: Authority) -> AsyncIterator[Cluster]:
    """A server that can prove itself to others, with namespaces demo and wardle."""
    pair = Pair(tmp_path / "front.crt", tmp_path / "front.key")
    async with Cluster(tmp_path, proxy_client=pair, requestheader_ca=tmp_path / "front-ca.crt") as cluster:
        for name in ("demo", "wardle"):
            await cluster.client.create(NAMESPACES, {"metadata": {"name": name}})
        yield cluster


@pytest.fixture
async def wardle(tmp_path: Path, front: Authority, aggregator: Cluster) -> AsyncIterator[Wardle]:
    """The other server, and the Service that leads to it: an ExternalName, since loopback cannot be an endpoint."""
    async with Wardle(tmp_path, front) as server:
        service = {"metadata": {"name": "api"}, "spec": {"type": "ExternalName", "externalName": "localhost"}}
        await aggregator.client.create(SERVICES, service, "wardle")
        yield server


async def condition(cluster: Cluster, wanted: Callable[[Object], bool], name: str = NAME) -> Object:
    """Return the condition `Available` of an APIService once it is as wanted."""
    async with asyncio.timeout(20):
        async for event in cluster.client.watch(API_SERVICES, fields=f"metadata.name={name}"):
            found = metadata.condition(event.object, "Available")
            if found is not None and wanted(found):
                return found
    raise AssertionError("the watch ended")


def is_true(condition: Object) -> bool:
    return condition["status"] == "True"


def is_false(condition: Object) -> bool:
    return condition["status"] == "False"


async def served(cluster: Cluster, wardle: Wardle, **spec: object) -> None:
    await cluster.client.create(API_SERVICES, wardle.api_service(**spec))
    await condition(cluster, is_true)


async def test_kubectl_uses_what_another_server_serves(aggregator: Cluster, wardle: Wardle) -> None:
    await served(aggregator, wardle)
    code, out, err = await aggregator.kubectl("get", "flu", "-n", "demo", "-o", "name")
    assert (code, out) == (0, f"flunder.{GROUP}/one\n"), err
    code, out, err = await aggregator.kubectl("api-resources", "--api-group", GROUP, "--no-headers")
    assert out.split() == ["flunders", "flu", f"{GROUP}/{VERSION}", "true", "Flunder"], err
    code, out, err = await aggregator.kubectl("explain", "flunder")
    assert "A Flunder is a friend." in out, err
    code, out, err = await aggregator.kubectl("get", "apiservice", NAME, "--no-headers")
    assert out.split()[:3] == [NAME, "wardle/api", "True"], err


async def test_an_old_kubectl_does_too(aggregator: Cluster, wardle: Wardle) -> None:
    await served(aggregator, wardle)
    code, out, err = await aggregator.kubectl("get", "flunder", "-n", "demo", "-o", "name", version="1.20")
    assert (code, out) == (0, f"flunder.{GROUP}/one\n"), err


async def test_the_other_server_learns_who_asks_and_from_whom_it_has_that(aggregator: Cluster, wardle: Wardle) -> None:
    await served(aggregator, wardle)
    aggregator.issue("jane", "jane", "system:masters")
    status, _, _ = await aggregator.request(
        "GET", f"{PATH}/namespaces/demo/flunders/one", user="jane", X_Remote_User="root", Authorization="Basic x"
    )
    assert status == 200
    assert wardle.users()[-1] == {
        "X-Remote-Group": ["system:masters", "system:authenticated"],
        "X-Remote-User": ["jane"],
    }
    _path, headers, certificate = wardle.asked[-1]
    assert certificate == "front-proxy-client"
    assert "authorization" not in {name.lower() for name, _ in headers}


async def test_who_may_not_is_told_so_here(aggregator: Cluster, wardle: Wardle) -> None:
    await served(aggregator, wardle)
    aggregator.issue("joe", "joe")
    before = len(wardle.users())
    status, _, said = await aggregator.request("GET", f"{PATH}/namespaces/demo/flunders/one", user="joe")
    text = f'User "joe" cannot get resource "flunders" in API group "{GROUP}" in the namespace "demo"'
    assert status == 403
    assert said["message"].endswith(text)
    status, _, said = await aggregator.request("GET", f"{PATH}/namespaces/demo/%2E%2E/flunders/one")
    assert status == 404
    assert len(wardle.users()) == before


async def test_a_watch_goes_through_as_it_comes(aggregator: Cluster, wardle: Wardle) -> None:
    await served(aggregator, wardle)
    process = await aggregator.start_kubectl("get", "--raw", f"{PATH}/namespaces/demo/flunders?watch=true")
    try:
        assert process.stdout is not None
        line = await asyncio.wait_for(process.stdout.readline(), 20)
        assert json.loads(line)["type"] == "ADDED"
    finally:
        process.kill()
        await process.wait()


async def test_discovery_and_openapi_have_both_servers_kinds(aggregator: Cluster, wardle: Wardle) -> None:
    await served(aggregator, wardle)
    _, _, groups = await aggregator.request("GET", "/apis")
    mine = next(group for group in groups["groups"] if group["name"] == GROUP)
    assert mine["preferredVersion"] == {"groupVersion": f"{GROUP}/{VERSION}", "version": VERSION}
    _, _, merged = await aggregator.request("GET", "/apis", Accept=AGGREGATED)
    names = [item["metadata"]["name"] for item in merged["items"]]
    assert {GROUP, "apps"} <= set(names)
    [version] = merged["items"][names.index(GROUP)]["versions"]
    [resource] = version["resources"]
    assert version["freshness"] == "Current"
    assert resource["responseKind"] == {"group": GROUP, "version": VERSION, "kind": "Flunder"}
    assert resource["scope"] == "Namespaced"
    assert resource["subresources"][0]["subresource"] == "status"
    _, _, index = await aggregator.request("GET", "/openapi/v3")
    assert index["paths"][PATH[1:]] == {"serverRelativeURL": f"/openapi/v3{PATH}?hash=ABC"}
    assert "api/v1" in index["paths"]
    _, _, whole = await aggregator.request("GET", "/openapi/v2")
    assert f"{PATH}/flunders" in whole["paths"]
    assert "com.example.Flunder" in whole["definitions"]
    assert "/version/" not in whole["paths"]


async def test_a_server_that_fails_is_named_and_the_rest_goes_on(
    aggregator: Cluster, wardle: Wardle, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wherry.apiserver.aggregation.keeper.AGAIN_SECONDS", 0.1)
    monkeypatch.setattr("wherry.apiserver.aggregation.keeper.RETRY_SECONDS", 0.1)
    await served(aggregator, wardle)
    wardle.broken = 500
    found = await condition(aggregator, is_false)
    assert found["reason"] == "FailedDiscoveryCheck"
    assert "bad status from https://" in found["message"]
    status, _, said = await aggregator.request("GET", f"{PATH}/flunders")
    assert status == 503
    assert said["message"].startswith(f"the server of APIService {NAME} is not available: failing or")
    _, _, merged = await aggregator.request("GET", "/apis", Accept=AGGREGATED)
    [stale] = [i["versions"][0] for i in merged["items"] if i["metadata"]["name"] == GROUP]
    assert stale["freshness"] == "Stale"
    assert stale["resources"][0]["resource"] == "flunders"
    code, out, err = await aggregator.kubectl("get", "namespaces", "demo", "-o", "name")
    assert (code, out) == (0, "namespace/demo\n"), err
    wardle.broken = 0
    assert (await condition(aggregator, is_true))["reason"] == "Passed"


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"caBundle": ""}, "certificate signed by unknown authority"),
        (
            {"service": {"namespace": "wardle", "name": "other", "port": 443}},
            'service/other in "wardle" is not present',
        ),
    ],
)
async def test_a_server_that_cannot_be_reached_or_trusted_is_not_available(
    aggregator: Cluster, wardle: Wardle, spec: Object, why: str
) -> None:
    await aggregator.client.create(API_SERVICES, wardle.api_service(**spec))
    assert why in (await condition(aggregator, is_false))["message"]


async def test_who_need_not_prove_anything_is_not_asked_to(aggregator: Cluster, wardle: Wardle) -> None:
    await served(aggregator, wardle, caBundle="", insecureSkipTLSVerify=True)
    status, _, _ = await aggregator.request("GET", f"{PATH}/flunders")
    assert status == 200


async def test_a_service_is_followed(aggregator: Cluster, wardle: Wardle) -> None:
    """What is wrong with it is told at once, whatever the last look at the server said."""
    spec = {"service": {"namespace": "wardle", "name": "cluster", "port": 443}}
    await aggregator.client.create(API_SERVICES, wardle.api_service(**spec))
    assert (await condition(aggregator, is_false))["reason"] == "ServiceNotFound"
    ports = [{"name": "https", "port": 443}]
    await aggregator.client.create(SERVICES, {"metadata": {"name": "cluster"}, "spec": {"ports": ports}}, "wardle")
    found = await condition(aggregator, lambda c: c["reason"] != "ServiceNotFound")
    assert found["reason"] == "EndpointsNotFound"


async def test_what_is_gone_is_gone_from_discovery(aggregator: Cluster, wardle: Wardle) -> None:
    await served(aggregator, wardle)
    await aggregator.client.delete(API_SERVICES, NAME)
    status, _, _ = await aggregator.request("GET", f"{PATH}/flunders")
    assert status == 404
    _, _, groups = await aggregator.request("GET", "/apis")
    assert GROUP not in {group["name"] for group in groups["groups"]}


async def test_what_is_served_here_has_apiservices_as_kubectl_prints_them(aggregator: Cluster) -> None:
    await condition(aggregator, is_true, "v1.apps")
    await condition(aggregator, is_true, "v1.")
    code, out, err = await aggregator.kubectl("get", "apiservices", "--no-headers")
    rows = {line.split()[0]: line.split()[1:3] for line in out.splitlines()}
    assert code == 0, err
    assert {"v1.", "v1.apps", "v1.authorization.k8s.io", "v1.rbac.authorization.k8s.io"} <= set(rows)
    assert "v1.apiregistration.k8s.io" not in rows
    core = await aggregator.client.get(API_SERVICES, "v1.")
    assert core["spec"] == {"version": "v1", "groupPriorityMinimum": 18000, "versionPriority": 1}
    assert rows["v1.apps"] == ["Local", "True"]


async def test_a_custom_resources_group_has_one_for_as_long_as_it_is_served(aggregator: Cluster) -> None:
    await aggregator.client.create(CUSTOM_RESOURCE_DEFINITIONS, definition())
    await condition(aggregator, is_true, "v1.harbour.example")
    made = await aggregator.client.get(API_SERVICES, "v1.harbour.example")
    assert (made["spec"]["groupPriorityMinimum"], made["spec"]["versionPriority"]) == (1000, 100)
    await aggregator.client.delete(CUSTOM_RESOURCE_DEFINITIONS, "boats.harbour.example")
    async with asyncio.timeout(20):
        async for event in aggregator.client.watch(API_SERVICES, fields="metadata.name=v1.harbour.example"):
            if event.type == "DELETED":
                return


async def test_one_of_our_own_that_is_deleted_comes_back(aggregator: Cluster) -> None:
    await condition(aggregator, is_true, "v1.apps")
    old = await aggregator.client.get(API_SERVICES, "v1.apps")
    await aggregator.client.delete(API_SERVICES, "v1.apps")
    async with asyncio.timeout(20):
        while True:
            try:
                new = await aggregator.client.get(API_SERVICES, "v1.apps")
                break
            except NotFound:
                await asyncio.sleep(0.01)
    assert new["metadata"]["uid"] != old["metadata"]["uid"]


async def test_other_servers_are_told_whom_this_one_trusts(aggregator: Cluster, front: Authority) -> None:
    found = await aggregator.client.get(CONFIG_MAPS, "extension-apiserver-authentication", "kube-system")
    assert found["data"]["requestheader-client-ca-file"] == front.pem.decode()
    assert json.loads(found["data"]["requestheader-allowed-names"]) == ["front-proxy-client"]
    assert json.loads(found["data"]["requestheader-extra-headers-prefix"]) == ["X-Remote-Extra-"]
    assert found["data"]["client-ca-file"] == aggregator.authority.pem.decode()
    role = await aggregator.client.get(ROLES, "extension-apiserver-authentication-reader", "kube-system")
    assert role["rules"][0]["resourceNames"] == ["extension-apiserver-authentication"]
