"""Nothing is decoded, nor even read, for somebody who may not write."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.apiserver.harness import Cluster
from tests.attacks.raw import connect, head

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
SERVICE = "/api/v1/namespaces/default/services/kubernetes"
WRITES = [
    ("POST", CONFIG_MAPS),
    ("POST", f"{CONFIG_MAPS}?dryRun=nonsense"),
    ("PUT", SERVICE),
    ("PATCH", SERVICE),
    ("PATCH", f"{SERVICE}/status"),
    ("PUT", f"{SERVICE}/scale"),
    ("DELETE", SERVICE),
    ("DELETE", CONFIG_MAPS),
    ("POST", "/api/v1/namespaces/default/pods/none/binding"),
    ("POST", "/api/v1/namespaces/default/pods/none/eviction"),
    ("POST", "/api/v1/namespaces/default/pods/none/nonsense"),
    ("POST", "/api/v1/namespaces/default/pods/none/exec"),
    ("POST", "/api/v1/namespaces/default/pods/none/attach"),
    ("POST", "/api/v1/namespaces/default/pods/none/portforward"),
    ("POST", "/api/v1/namespaces/default/serviceaccounts/default/token"),
    ("POST", "/apis/authentication.k8s.io/v1/tokenreviews"),
    ("POST", "/apis/authentication.k8s.io/v1/selfsubjectreviews"),
    ("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews"),
    ("POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"),
    ("POST", f"{SERVICE}/proxy/"),
    ("PUT", "/api/v1/nodes/none/proxy/"),
    ("POST", "/version"),
    ("POST", "/nonsense"),
]


@pytest.mark.parametrize(("method", "path"), WRITES)
async def test_who_may_not_write_is_refused_before_a_byte_of_the_body_is_asked_for(
    tmp_path: Path, method: str, path: str
) -> None:
    async with Cluster(tmp_path) as cluster:
        client = await connect(cluster)
        headers = {"Content_Length": "2000000", "Content_Type": "application/yaml", "Expect": "100-continue"}
        client.writer.write(head(method, path, **headers))
        async with asyncio.timeout(10):
            assert await client.status() == 403
        client.writer.close()


async def test_who_may_write_is_asked_for_the_body(tmp_path: Path) -> None:
    async with Cluster(tmp_path) as cluster:
        client = await connect(cluster, "admin")
        client.writer.write(head("POST", CONFIG_MAPS, Content_Length="30", Expect="100-continue"))
        async with asyncio.timeout(10):
            assert await client.status() == 100
            client.writer.write(b'{"metadata":{"name":"demo"}}  ')
            assert await client.status() == 201
        client.writer.close()
