"""Failing writes, breaking watches, controllers killed at any moment: the end is the same, nothing is made twice."""

from __future__ import annotations

import random

import pytest

from tests.controllers.builders import deployment, everything, running, until
from tests.controllers.test_deployment_loop import Cluster
from tests.controllers.test_servicepods import service
from tests.fake.client import FakeClient
from wherry.controllers.deployment.controller import DeploymentController
from wherry.controllers.endpoints import EndpointsController
from wherry.controllers.endpointslice.controller import EndpointSliceController
from wherry.controllers.garbagecollector.controller import GarbageCollector
from wherry.controllers.replicaset.controller import ReplicaSetController
from wherry.objects.errors import Conflict, InternalError, ServiceUnavailable
from wherry.objects.resource import DEPLOYMENTS, ENDPOINT_SLICES, ENDPOINTS, PODS, REPLICA_SETS

ALL = (
    DeploymentController,
    ReplicaSetController,
    EndpointsController,
    EndpointSliceController,
    GarbageCollector,
)

ERRORS = (Conflict("raced"), InternalError("disk"), ServiceUnavailable("restarting"))


def give_addresses(client: FakeClient) -> None:
    for i, pod in enumerate(everything(client, PODS)):
        if not pod["status"].get("podIP"):
            client.put(pod | {"status": pod["status"] | {"podIP": f"10.{i}.{random.randrange(250)}.1"}})


def trouble(client: FakeClient, dice: random.Random) -> None:
    """Let something go wrong, now and then."""
    match dice.randrange(12):
        case 0:
            client.fail(dice.choice(ERRORS), verb=dice.choice(["create", "update", "patch", "delete"]))
        case 1:
            client.expire()
        case 2:
            client.end_watches(ServiceUnavailable("cut"))
        case 3:
            client.end_watches()


def images(client: FakeClient) -> list[str]:
    return [p["spec"]["containers"][0]["image"] for p in everything(client, PODS)]


def addresses(client: FakeClient) -> tuple[list[str], list[str], list[str]]:
    """Return the addresses of pods, slices and Endpoints."""
    pods = [p["status"].get("podIP", "") for p in everything(client, PODS)]
    slices = [e["addresses"][0] for s in everything(client, ENDPOINT_SLICES) for e in s["endpoints"]]
    subsets = [s for e in everything(client, ENDPOINTS) for s in e["subsets"]]
    return sorted(pods), sorted(slices), sorted(a["ip"] for s in subsets for a in s.get("addresses", ()))


@pytest.mark.parametrize("seed", range(8))
async def test_a_rollout_through_trouble_and_kills_ends_right(seed: int) -> None:
    dice = random.Random(seed)
    client = FakeClient(deployment(4), service(8002))
    cluster = Cluster(client)

    def settled(image: str) -> bool:
        give_addresses(client)
        assert len(everything(client, PODS)) <= 5, "more pods than four and a surge of one"
        return cluster.is_complete(4) and images(client) == [image] * 4

    def later(calls: int, image: str) -> bool:
        trouble(client, dice)
        return settled(image) or len(client.calls) > calls

    for image in ("web:1", "web:2"):
        client.put(deployment(4, image) | {"status": everything(client, DEPLOYMENTS)[0].get("status", {})})
        for _ in range(5):
            calls = len(client.calls) + dice.randrange(1, 60)
            async with running(client, ALL):  # killed wherever it happens to be
                await until(lambda calls=calls, image=image: later(calls, image))
        async with running(client, ALL):
            await until(lambda image=image: settled(image), 20)
    async with running(client, ALL):

        def right() -> bool:
            pods, slices, endpoints = addresses(client)
            return settled("web:2") and pods == slices == endpoints

        await until(right, 20)
    assert len(everything(client, REPLICA_SETS)) == 2
    (shown,) = everything(client, DEPLOYMENTS)
    assert shown["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"
