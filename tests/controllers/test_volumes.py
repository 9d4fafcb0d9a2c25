"""Claims get volumes: reserved ones, the smallest that fits, or new ones; volumes go, or stay, when claims do."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from tests.controllers.builders import node, pod, running, until
from tests.fake.client import FakeClient
from wherry.controllers.volumes import claim as claims
from wherry.controllers.volumes import ephemeral, provision
from wherry.controllers.volumes import volume as volumes
from wherry.controllers.volumes.binder import VolumeBinder
from wherry.controllers.volumes.protection import ClaimProtection, VolumeProtection
from wherry.controllers.volumes.provisioner import LocalPathProvisioner
from wherry.objects import Object
from wherry.objects.errors import Conflict, NotFound
from wherry.objects.meaning.volumes import (
    BIND_COMPLETED,
    BOUND_BY_CONTROLLER,
    LOCAL_PATH,
    LOCAL_PATH_FINALIZER,
    PROVISIONED_BY,
    PVC_PROTECTION,
    SELECTED_NODE,
)
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, PERSISTENT_VOLUMES, PODS


def claim(name: str = "data", size: str = "1Gi", *, meta: Object | None = None, **spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": name, "namespace": "demo", "uid": f"uid-{name}"} | (meta or {}),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": size}},
            "storageClassName": "manual",
        }
        | spec,
        "status": {"phase": "Pending"},
    }


def volume(
    name: str = "v", size: str = "1Gi", *, phase: str = "Available", meta: Object | None = None, **spec: Any
) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "uid": f"uid-{name}"} | (meta or {}),
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": size},
            "storageClassName": "manual",
            "persistentVolumeReclaimPolicy": "Retain",
            "hostPath": {"path": f"/{name}"},
        }
        | spec,
        "status": {"phase": phase},
    }


def storage_class(name: str = "manual", provisioner: str = LOCAL_PATH, waits: bool = False, **more: Any) -> Object:
    return {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": name, "uid": name},
        "provisioner": provisioner,
        "reclaimPolicy": "Delete",
        "volumeBindingMode": "WaitForFirstConsumer" if waits else "Immediate",
    } | more


def reference(of: str = "data", uid: str | None = None) -> Object:
    return {"namespace": "demo", "name": of} | ({"uid": uid} if uid else {})


def chosen(wanted: Object, *candidates: Object, of: Object | None = None) -> str:
    verdict = claims.decide(wanted, None, candidates, of or storage_class())
    return verdict.bind["metadata"]["name"] if verdict.bind else verdict.reason


def test_the_smallest_volume_that_fits_is_taken() -> None:
    assert chosen(claim(size="2Gi"), volume("a", "5Gi"), volume("b", "3Gi"), volume("c", "1Gi")) == "b"


@pytest.mark.parametrize(
    "unfit",
    [
        volume(size="1Mi"),
        volume(accessModes=["ReadOnlyMany"]),
        volume(volumeMode="Block"),
        volume(phase="Released"),
        volume(claimRef=reference("another")),
        volume(claimRef=reference("data", "an-older-uid")),
        volume(meta={"deletionTimestamp": "2026-01-01T00:00:00Z"}),
    ],
)
def test_a_volume_that_does_not_fit_is_left_alone(unfit: Object) -> None:
    assert chosen(claim(), unfit) == "ExternalProvisioning"


def test_a_selector_chooses_by_labels() -> None:
    labelled = volume("b", "9Gi", meta={"labels": {"disk": "fast"}})
    assert chosen(claim(selector={"matchLabels": {"disk": "fast"}}), volume("a"), labelled) == "b"


def test_a_volume_that_is_reserved_for_the_claim_comes_before_one_that_fits_better() -> None:
    assert chosen(claim(), volume("a"), volume("b", "9Gi", claimRef=reference())) == "b"


def test_a_class_that_waits_for_a_pod_takes_nothing_but_what_is_reserved() -> None:
    waiting = storage_class(waits=True)
    assert chosen(claim(), volume("a"), of=waiting) == "WaitForFirstConsumer"
    assert chosen(claim(), volume("a", claimRef=reference()), of=waiting) == "a"
    selected = claim(meta={"annotations": {SELECTED_NODE: "n1"}})
    assert chosen(selected, of=waiting) == "ExternalProvisioning"


def test_a_claim_without_class_and_volume_says_so() -> None:
    found = claims.decide(claim(storageClassName=""), None, [], None)
    assert found.message == "no persistent volumes available for this claim and no storage class is set"


def test_a_volume_that_is_named_must_fit() -> None:
    small = claims.decide(claim(size="2Gi", volumeName="v"), volume(), [], None)
    assert (small.reason, small.message) == (
        "VolumeMismatch",
        'Cannot bind to requested volume "v": requested PV is too small',
    )
    taken = claims.decide(claim(volumeName="v"), volume(claimRef=reference("other", "u")), [], None)
    assert taken.reason == "FailedBinding"
    assert claims.decide(claim(volumeName="v"), volume(), [], None).bind is not None
    assert claims.decide(claim(volumeName="v"), None, [], None) == claims.Verdict()


def test_a_claim_that_was_bound_and_has_no_volume_is_lost() -> None:
    bound = claim(volumeName="v", meta={"annotations": {BIND_COMPLETED: "yes"}})
    assert claims.decide(bound, None, [], None).reason == "ClaimLost"
    assert claims.decide(bound, volume(claimRef=reference("other", "u")), [], None).reason == "ClaimMisbound"
    assert claims.decide(bound, volume(claimRef=reference("data", "uid-data")), [], None).bind is not None


def test_a_volume_follows_its_claim() -> None:
    held = volume(claimRef=reference("data", "uid-data"))
    assert volumes.decide(volume(), None).phase == "Available"
    assert volumes.decide(volume(claimRef=reference()), claim()).phase == "Available"
    assert volumes.decide(held, claim(volumeName="v")).phase == "Bound"
    assert volumes.decide(held, None) == volumes.Fate("Released")
    assert volumes.decide(held, claim(meta={"uid": "another"})) == volumes.Fate("Released")
    assert volumes.decide(held, claim(volumeName="w")).unbind


def test_what_is_deleted_with_its_claim_is_only_what_we_have_made() -> None:
    def fate(**meta: Any) -> volumes.Fate:
        held = volume(claimRef=reference("data", "u"), persistentVolumeReclaimPolicy="Delete", meta=meta)
        return volumes.decide(held, None)

    assert fate(annotations={PROVISIONED_BY: LOCAL_PATH}).delete
    assert fate(annotations={PROVISIONED_BY: "disks.example.com"}) == volumes.Fate("Released")
    assert fate().reason == "VolumeFailedDelete"


def test_a_volume_that_a_person_reserved_stays_reserved_and_another_is_free() -> None:
    held = volume(claimRef=reference("data", "u"))
    assert volumes.unbound(held)["spec"]["claimRef"] == reference()
    found = volume(claimRef=reference("data", "u"), meta={"annotations": {BOUND_BY_CONTROLLER: "yes"}})
    assert "claimRef" not in volumes.unbound(found)["spec"]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"accessModes": ["ReadWriteMany"]}, "access modes"),
        ({"volumeMode": "Block"}, "volumeMode Block"),
        ({"selector": {}}, ""),
        ({"selector": {"matchLabels": {"a": "b"}}}, "Selector"),
        ({"dataSource": {"kind": "PersistentVolumeClaim", "name": "x"}}, "DataSource"),
    ],
)
def test_what_a_folder_cannot_be_is_refused_by_name(spec: Object, why: str) -> None:
    assert why in provision.refusal(claim(**spec))
    assert bool(provision.refusal(claim(**spec))) == bool(why)


def test_a_claim_that_does_not_wait_gets_the_ready_node_with_the_fewest_volumes() -> None:
    nodes = [node("n1"), node("n2"), node("n3", ready="False")]
    found = provision.pick(nodes, storage_class(), {"n1": 2, "n2": 1})
    assert found is not None
    assert found["metadata"]["name"] == "n2"
    term = {"matchLabelExpressions": [{"key": "kubernetes.io/hostname", "values": ["n1"]}]}
    only = provision.pick(nodes, storage_class(allowedTopologies=[term]), {"n1": 2})
    assert only is not None
    assert only["metadata"]["name"] == "n1"


def phase(client: FakeClient, name: str = "data") -> str:
    return (client.peek(PERSISTENT_VOLUME_CLAIMS, name, "demo") or {})["status"]["phase"]


async def test_claims_and_volumes_are_bound_from_both_sides_and_released() -> None:
    client = FakeClient(claim(), volume("big", "9Gi"), volume("small"))
    async with running(client, [VolumeBinder]):
        await until(lambda: phase(client) == "Bound")
        bound = client.peek(PERSISTENT_VOLUME_CLAIMS, "data", "demo") or {}
        assert bound["spec"]["volumeName"] == "small"
        assert bound["status"]["capacity"] == {"storage": "1Gi"}
        held = client.peek(PERSISTENT_VOLUMES, "small") or {}
        assert (held["spec"]["claimRef"]["uid"], held["status"]["phase"]) == ("uid-data", "Bound")
        await client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "demo")
        await until(lambda: (client.peek(PERSISTENT_VOLUMES, "small") or {})["status"]["phase"] == "Released")


async def test_two_claims_never_share_a_volume() -> None:
    client = FakeClient(*(claim(f"c{i}") for i in range(8)), *(volume(f"v{i}") for i in range(5)))
    async with running(client, [VolumeBinder]):
        await until(lambda: sum(phase(client, f"c{i}") == "Bound" for i in range(8)) == 5)
        await client.create(PERSISTENT_VOLUMES, volume("late"))
        await until(lambda: sum(phase(client, f"c{i}") == "Bound" for i in range(8)) == 6)
    bound = [c["spec"]["volumeName"] for c in client.peek_all(PERSISTENT_VOLUME_CLAIMS) if "volumeName" in c["spec"]]
    assert len(set(bound)) == len(bound) == 6


async def test_a_claim_gets_a_folder_on_the_node_that_was_selected_and_may_grow() -> None:
    wanted = claim(storageClassName="local-path", meta={"annotations": {SELECTED_NODE: "n2"}})
    client = FakeClient(wanted, storage_class("local-path", waits=True), node("n1"), node("n2"))
    async with running(client, [VolumeBinder, LocalPathProvisioner]):
        await until(lambda: phase(client) == "Bound")
        made = client.peek(PERSISTENT_VOLUMES, "pvc-uid-data") or {}
        assert made["spec"]["local"] == {"path": "/var/lib/local-path/pvc-uid-data_demo_data"}
        assert provision.node_of_volume(made) == "n2"
        more = {"spec": {"resources": {"requests": {"storage": "3Gi"}}}}
        await client.patch(PERSISTENT_VOLUME_CLAIMS, "data", more, "demo")

        def grown() -> bool:
            status = (client.peek(PERSISTENT_VOLUME_CLAIMS, "data", "demo") or {})["status"]
            return bool(status["capacity"] == {"storage": "3Gi"})

        await until(grown)
        await client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "demo")
        await until(lambda: "deletionTimestamp" in (client.peek(PERSISTENT_VOLUMES, "pvc-uid-data") or {})["metadata"])
        left = client.peek(PERSISTENT_VOLUMES, "pvc-uid-data") or {}
        assert left["metadata"]["finalizers"] == [LOCAL_PATH_FINALIZER], "its node has to remove the folder"


async def test_a_volume_whose_node_is_gone_goes_too_and_another_node_is_asked_for() -> None:
    gone = volume("old", meta={
        "annotations": {PROVISIONED_BY: LOCAL_PATH}, "labels": {"wherry.io/node": "gone"},
        "finalizers": [LOCAL_PATH_FINALIZER], "deletionTimestamp": "2026-01-01T00:00:00Z",
    })  # fmt: skip
    wanted = claim(storageClassName="local-path", meta={"annotations": {SELECTED_NODE: "gone"}})
    client = FakeClient(gone, wanted, storage_class("local-path", waits=True), node("n1"))
    async with running(client, [VolumeBinder, LocalPathProvisioner]):
        await until(lambda: client.peek(PERSISTENT_VOLUMES, "old") is None)

        def asked_anew() -> bool:
            meta = (client.peek(PERSISTENT_VOLUME_CLAIMS, "data", "demo") or {})["metadata"]
            return SELECTED_NODE not in meta["annotations"]

        await until(asked_anew)


async def test_a_claim_stays_while_a_pod_on_a_node_uses_it_and_a_volume_while_it_is_bound() -> None:
    user = pod("user")
    user["spec"]["volumes"] = [{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}]
    client = FakeClient(user, claim(), volume())
    async with running(client, [VolumeBinder, ClaimProtection, VolumeProtection]):
        await until(lambda: phase(client) == "Bound")
        await until(lambda: PVC_PROTECTION in str(client.peek(PERSISTENT_VOLUME_CLAIMS, "data", "demo")))
        await until(lambda: "pv-protection" in str(client.peek(PERSISTENT_VOLUMES, "v")))
        await client.delete(PERSISTENT_VOLUMES, "v")
        await client.delete(PERSISTENT_VOLUME_CLAIMS, "data", "demo")
        assert client.peek(PERSISTENT_VOLUME_CLAIMS, "data", "demo") is not None
        with contextlib.suppress(NotFound, Conflict):
            await client.delete(PODS, "user", "demo", grace_period_seconds=0)
        await until(lambda: client.peek(PERSISTENT_VOLUME_CLAIMS, "data", "demo") is None)
        await until(lambda: client.peek(PERSISTENT_VOLUMES, "v") is None)


def test_a_pod_brings_the_claims_of_its_ephemeral_volumes() -> None:
    owner = pod("web")
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"accessModes": ["ReadWriteOnce"]}}
    owner["spec"]["volumes"] = [{"name": "tmp", "ephemeral": {"volumeClaimTemplate": template}}, {"name": "x"}]
    (made,) = ephemeral.wanted(owner)
    assert made["metadata"]["name"] == "web-tmp"
    assert made["metadata"]["labels"] == {"a": "b"}
    assert [r["uid"] for r in made["metadata"]["ownerReferences"]] == ["uid-web"]
