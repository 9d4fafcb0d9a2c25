"""What clients learn about the server: discovery, OpenAPI, version, health, metrics."""

from __future__ import annotations

from typing import Any

from tests.apiserver.harness import Cluster
from wherry.apiserver.kinds import KINDS
from wherry.objects.version import GIT_VERSION

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v={v};as=APIGroupDiscoveryList"


async def test_the_classic_lists_name_every_kind_in_every_version(cluster: Cluster) -> None:
    _, _, groups = await cluster.request("GET", "/apis")
    _, _, core = await cluster.request("GET", "/api")
    found = {("", v) for v in core["versions"]}
    found |= {(g["name"], v["version"]) for g in groups["groups"] for v in g["versions"]}
    assert {version for kind in KINDS for version in kind.versions} <= found
    for kind in KINDS:
        for group, version in kind.versions:
            _, _, listed = await cluster.request("GET", f"/apis/{group}/{version}" if group else f"/api/{version}")
            (entry,) = [r for r in listed["resources"] if r["name"] == kind.plural]
            assert (entry["kind"], entry["namespaced"]) == (kind.kind, kind.namespaced)
            assert {"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"} == set(
                entry["verbs"]
            )


async def test_both_forms_say_the_same(cluster: Cluster) -> None:
    for version in ("v2", "v2beta1"):
        for path in ("/api", "/apis"):
            accept = f"{AGGREGATED.format(v=version)},application/json"
            _, headers, listed = await cluster.request("GET", path, Accept=accept)
            assert headers["content-type"] == AGGREGATED.format(v=version)
            assert listed["apiVersion"] == f"apidiscovery.k8s.io/{version}"
            for group in listed["items"]:
                for group_version in group["versions"]:
                    await compare(cluster, group["metadata"].get("name", ""), group_version)


async def compare(cluster: Cluster, group: str, aggregated: Any) -> None:
    version = aggregated["version"]
    _, _, classic = await cluster.request("GET", f"/apis/{group}/{version}" if group else f"/api/{version}")
    names: dict[str, Any] = {}
    for resource in aggregated["resources"]:
        names[resource["resource"]] = resource["verbs"]
        for part in resource.get("subresources", ()):
            names[f"{resource['resource']}/{part['subresource']}"] = part["verbs"]
    assert names == {resource["name"]: resource["verbs"] for resource in classic["resources"]}


async def test_pods_show_what_can_be_done_with_them(cluster: Cluster) -> None:
    _, _, listed = await cluster.request("GET", "/api/v1")
    parts = {r["name"]: r for r in listed["resources"] if r["name"].startswith("pods/")}
    assert set(parts) == {
        f"pods/{name}"
        for name in (
            *("attach", "binding", "ephemeralcontainers", "eviction", "exec", "log", "portforward", "proxy", "resize"),
            "status",
        )
    }
    eviction = parts["pods/eviction"]
    assert (eviction["group"], eviction["version"], eviction["kind"]) == ("policy", "v1", "Eviction")


async def test_ingresses_are_preferred_in_their_newest_version(cluster: Cluster) -> None:
    _, _, groups = await cluster.request("GET", "/apis")
    names = [group["name"] for group in groups["groups"]]
    assert names.index("extensions") == len(names) - 1
    networking = next(group for group in groups["groups"] if group["name"] == "networking.k8s.io")
    assert [v["version"] for v in networking["versions"]] == ["v1", "v1beta1"]
    assert networking["preferredVersion"]["version"] == "v1"


async def test_a_document_one_has_already_is_not_sent_again(cluster: Cluster) -> None:
    for path in ("/api", "/apis", "/openapi/v3"):
        _, headers, _ = await cluster.request("GET", path)
        status, _, _ = await cluster.request("GET", path, If_None_Match=headers["etag"])
        assert status == 304


async def test_openapi_v3_leads_from_the_index_to_every_group_and_version(cluster: Cluster) -> None:
    _, _, index = await cluster.request("GET", "/openapi/v3")
    assert "apis/apps/v1" in index["paths"]
    url = index["paths"]["apis/apps/v1"]["serverRelativeURL"]
    status, headers, document = await cluster.request("GET", url)
    assert (status, document["openapi"]) == (200, "3.0.0")
    assert "immutable" in headers["cache-control"]
    assert "/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale" in document["paths"]
    assert (await cluster.request("GET", "/openapi/v3/apis/nosuch/v1"))[0] == 404


async def test_version_health_and_metrics(cluster: Cluster) -> None:
    _, _, version = await cluster.request("GET", "/version")
    assert version["gitVersion"] == GIT_VERSION
    for path in ("/healthz", "/livez", "/readyz"):
        assert (await cluster.request("GET", path))[::2] == (200, "ok")
    _, _, verbose = await cluster.request("GET", "/readyz?verbose")
    assert "[+]storage ok" in verbose
    await cluster.request("GET", "/api/v1/pods")
    _, _, metrics = await cluster.request("GET", "/metrics")
    assert 'apiserver_request_total{code="200",group="",resource="pods",verb="LIST"}' in metrics
    assert 'apiserver_storage_objects{resource="namespaces"} 5.0' in metrics


async def test_the_issuers_keys_can_be_found(cluster: Cluster) -> None:
    _, _, issuer = await cluster.request("GET", "/.well-known/openid-configuration")
    assert issuer["issuer"] == cluster.config.issuer
    _, headers, keys = await cluster.request("GET", "/openid/v1/jwks")
    assert headers["content-type"].startswith("application/jwk-set+json")
    assert keys["keys"][0]["alg"] == "ES256"
