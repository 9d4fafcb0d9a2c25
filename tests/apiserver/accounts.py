"""Components as processes of their own, with a token of the manifest's ServiceAccount and the rights it grants."""

from __future__ import annotations

import json
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from tests.apiserver.harness import Cluster
from wherry.apiserver.kinds import KINDS
from wherry.cluster import addons
from wherry.cluster.config import ClusterConfig, Node
from wherry.objects import Object
from wherry.objects.errors import AlreadyExists
from wherry.objects.resource import SERVICE_ACCOUNTS
from wherry.telemetry import metrics

GRANTS = ("Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding", "ConfigMap")


def addon_objects() -> list[Object]:
    """Return the objects of every manifest `wherry up` applies."""
    return addons.manifests(ClusterConfig("test", (Node("n1", ("192.168.51.209",), ("10.244.0.0/24",)),)))


async def create(cluster: Cluster, objects: Iterable[Object]) -> None:
    """Create objects of any kind, in any version it is served in; those that exist stay."""
    served = {(r.api_version, r.kind): r for kind in KINDS for r in kind.resources}
    for obj in objects:
        with suppress(AlreadyExists):
            resource = served[obj["apiVersion"], obj["kind"]]
            await cluster.client.create(resource, obj, obj["metadata"].get("namespace"))


async def grant(cluster: Cluster, objects: Iterable[Object]) -> None:
    """Create what gives a manifest's pods their rights, and nothing that would run them."""
    await create(cluster, (obj for obj in objects if obj["kind"] in GRANTS))


async def token_kubeconfig(cluster: Cluster, directory: Path, namespace: str, account: str) -> Path:
    """Return a kubeconfig in `directory` with a token of the account, and nothing else to be known by."""
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {"expirationSeconds": 3600}}
    answer = await cluster.client.create(SERVICE_ACCOUNTS, request, namespace, name=account, subresource="token")
    document = json.loads(cluster.kubeconfig().read_text())
    path, ca = directory / "token.kubeconfig", directory / "ca.crt"
    ca.write_bytes((cluster.directory / "ca.crt").read_bytes())
    document["users"][0]["user"] = {"token": answer["status"]["token"]}
    document["clusters"][0]["cluster"]["certificate-authority"] = str(ca)
    path.write_text(json.dumps(document))
    return path


def answered(code: int) -> dict[tuple[str, str], float]:
    """Return how often this process's API servers answered with `code`, by (verb, resource)."""
    return {
        (sample.labels["verb"], sample.labels["resource"]): sample.value
        for family in metrics.registry.collect()
        for sample in family.samples
        if sample.name == "apiserver_request_total" and sample.labels["code"] == str(code)
    }
