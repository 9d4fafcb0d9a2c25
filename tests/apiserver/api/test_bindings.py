"""A Binding that is posted to the collection, as schedulers older than the subresource do."""

from __future__ import annotations

import msgspec
import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import binding, node, pod
from wherry.objects import Object
from wherry.objects.resource import NODES, PODS

PATH = "/api/v1/namespaces/demo/bindings"


@pytest.fixture
async def waiting(cluster: Cluster) -> Cluster:
    """A cluster in which the pod `a` has no node."""
    await cluster.client.create(NODES, node("n1"))
    await cluster.client.create(PODS, pod("a"), "demo")
    return cluster


async def posted(cluster: Cluster, body: Object) -> tuple[int, Object]:
    status, _, answer = await cluster.request("POST", PATH, msgspec.json.encode(body))
    return status, answer


async def test_it_assigns_the_pod_its_metadata_names_once(waiting: Cluster) -> None:
    status, answer = await posted(waiting, binding("a", "n1"))
    assert (status, answer["status"]) == (201, "Success")
    assert (await waiting.client.get(PODS, "a", "demo"))["spec"]["nodeName"] == "n1"
    status, answer = await posted(waiting, binding("a", "n1"))
    assert (status, answer["reason"]) == (409, "Conflict")


@pytest.mark.parametrize(
    ("metadata", "code", "says"),
    [
        ({}, 400, "name is required"),
        ({"name": "b"}, 404, 'pods "b" not found'),
        ({"name": "a", "namespace": "other"}, 400, "the namespace of the provided object does not match"),
    ],
)
async def test_one_that_names_no_pod_here_is_refused(waiting: Cluster, metadata: Object, code: int, says: str) -> None:
    status, answer = await posted(waiting, {"metadata": metadata, "target": {"kind": "Node", "name": "n1"}})
    assert status == code
    assert answer["message"].startswith(says)


async def test_there_is_nothing_to_read(waiting: Cluster) -> None:
    assert (await waiting.request("GET", PATH))[0] == 405
    _, _, listed = await waiting.request("GET", "/api/v1")
    [entry] = [r for r in listed["resources"] if r["name"] == "bindings"]
    assert (entry["kind"], entry["verbs"], entry["namespaced"]) == ("Binding", ["create"], True)
