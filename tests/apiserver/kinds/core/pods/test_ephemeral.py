"""Ephemeral containers come by a subresource of their own, which changes nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import pod
from wherry.objects import Object
from wherry.objects.errors import Invalid
from wherry.objects.resource import PODS


async def put_in(cluster: Cluster, *containers: Object, **changes: Any) -> Object:
    patch = {"spec": {"ephemeralContainers": list(containers)}, **changes}
    return await cluster.client.patch(PODS, "a", patch, "demo", subresource="ephemeralcontainers")


async def test_one_is_put_in_with_its_defaults_and_the_rest_stays(cluster: Cluster) -> None:
    made = await cluster.client.create(PODS, pod("a"), "demo")
    after = await put_in(cluster, {"name": "d", "image": "i"}, metadata={"labels": {"a": "b"}})
    [container] = after["spec"]["ephemeralContainers"]
    assert (container["imagePullPolicy"], container["terminationMessagePath"]) == ("Always", "/dev/termination-log")
    assert after["spec"]["containers"] == made["spec"]["containers"]
    assert after["metadata"]["labels"] == made["metadata"]["labels"]


async def test_they_cannot_come_any_other_way(cluster: Cluster) -> None:
    obj = pod("a")
    with pytest.raises(Invalid, match=r"spec\.ephemeralContainers: Forbidden: cannot be set on create"):
        await cluster.client.create(
            PODS, obj | {"spec": obj["spec"] | {"ephemeralContainers": [{"name": "d", "image": "i"}]}}, "demo"
        )
    made = await cluster.client.create(PODS, obj, "demo")
    with pytest.raises(Invalid, match="pod updates may not change fields other than"):
        await cluster.client.update(
            PODS, made | {"spec": made["spec"] | {"ephemeralContainers": [{"name": "d", "image": "i"}]}}
        )


@pytest.mark.parametrize(
    ("container", "says"),
    [
        ({"name": "d"}, "image: Required value"),
        ({"name": "c", "image": "i"}, "name: Duplicate value"),
        ({"name": "d", "image": "i", "resources": {"requests": {"cpu": "1"}}}, "resources: Forbidden"),
        ({"name": "d", "image": "i", "livenessProbe": {"tcpSocket": {"port": 1}}}, "livenessProbe: Forbidden"),
        ({"name": "d", "image": "i", "targetContainerName": "x"}, "targetContainerName: Not found"),
    ],
)
async def test_what_one_may_not_have_is_named(cluster: Cluster, container: Object, says: str) -> None:
    await cluster.client.create(PODS, pod("a"), "demo")
    with pytest.raises(Invalid, match=says):
        await put_in(cluster, container)


async def test_none_goes_or_changes(cluster: Cluster) -> None:
    await cluster.client.create(PODS, pod("a"), "demo")
    made = await put_in(cluster, {"name": "d", "image": "i"})
    for spec, word in (
        ({**made["spec"], "ephemeralContainers": []}, "removed"),
        (
            {**made["spec"], "ephemeralContainers": [{**made["spec"]["ephemeralContainers"][0], "image": "j"}]},
            "changed",
        ),
    ):
        with pytest.raises(Invalid, match=f"may not be {word}"):
            await cluster.client.update(PODS, made | {"spec": spec}, subresource="ephemeralcontainers")
