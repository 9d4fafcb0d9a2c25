"""Pods go where their claims' volumes are, or can be."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.controllers.test_volumes import claim, reference, storage_class, volume
from tests.scheduler.builders import node, pod, snapshot
from wherry.objects import Object, metadata
from wherry.objects.meaning.volumes import BIND_COMPLETED, SELECTED_NODE
from wherry.scheduler.decide import Chosen, decide
from wherry.scheduler.pod import Pod
from wherry.scheduler.snapshot import Snapshot

USER = pod("p", volumes=[{"name": "v", "persistentVolumeClaim": {"claimName": "data"}}])


def on(*names: str) -> Object:
    term = {"matchExpressions": [{"key": "kubernetes.io/hostname", "operator": "In", "values": list(names)}]}
    return {"required": {"nodeSelectorTerms": [term]}}


def bound(name: str = "data", **more: Any) -> Object:
    made = claim(name, meta={"annotations": {BIND_COMPLETED: "yes"}}, volumeName="v", **more)
    return made | {"status": {"phase": "Bound"}}


def world(*objects: Object, nodes: tuple[str, ...] = ("n1", "n2")) -> Snapshot:
    made = snapshot(*map(node, nodes))
    for obj in objects:
        match obj["kind"]:
            case "PersistentVolumeClaim":
                made.claims.claims[metadata.key(obj)] = obj
            case "PersistentVolume":
                made.claims.set_volume(None, obj)
            case "StorageClass":
                made.claims.classes[obj["metadata"]["name"]] = obj
            case _:
                made.set_pod(Pod(obj))
    return made


def verdict(*objects: Object) -> str:
    decision = decide(Pod(USER), world(*objects), Random(0))
    return decision.node if isinstance(decision, Chosen) else decision.message


def test_a_pod_goes_where_its_volume_is() -> None:
    assert verdict(bound(), volume(nodeAffinity=on("n2"))) == "n2"
    none = "0/2 nodes are available: 2 node(s) didn't match PersistentVolume's node affinity."
    assert verdict(bound(), volume(nodeAffinity=on("elsewhere"))) == none


def test_what_holds_everywhere_is_said_once() -> None:
    assert verdict() == '0/2 nodes are available: persistentvolumeclaim "data" not found.'
    unbound = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims."
    assert verdict(claim(), storage_class()) == unbound
    going = claim(meta={"deletionTimestamp": "2026-01-01T00:00:00Z"})
    assert verdict(going) == '0/2 nodes are available: persistentvolumeclaim "data" is being deleted.'


def test_a_volume_that_fits_decides_the_node_before_it_is_bound() -> None:
    made = world(
        claim(), storage_class(provisioner="kubernetes.io/no-provisioner", waits=True), volume(nodeAffinity=on("n2"))
    )
    assert decide(Pod(USER), made, Random(0)) == Chosen("n2")
    (choice,) = made.claims.choices(made.claims.unbound(USER), made.nodes["n2"].object) or []
    assert choice.volume is not None
    assert choice.volume["metadata"]["name"] == "v"


def test_without_volume_and_provisioner_there_is_no_node() -> None:
    by_hand = storage_class(provisioner="kubernetes.io/no-provisioner", waits=True)
    none = "0/2 nodes are available: 2 node(s) didn't find available persistent volumes to bind."
    assert verdict(claim(), by_hand) == none


def test_a_volume_is_made_where_the_class_allows_it_and_on_one_node_only() -> None:
    term = {"matchLabelExpressions": [{"key": "kubernetes.io/hostname", "values": ["n1"]}]}
    assert verdict(claim(), storage_class(waits=True, allowedTopologies=[term])) == "n1"
    under_way = claim(meta={"annotations": {SELECTED_NODE: "n2"}})
    assert verdict(under_way, storage_class(waits=True)) == "n2"


def test_two_claims_of_one_pod_do_not_get_the_same_volume() -> None:
    by_hand = storage_class(provisioner="kubernetes.io/no-provisioner", waits=True)
    made = world(claim("a"), claim("b"), by_hand, volume("v1"), volume("v2"))
    found = made.claims.choices([claim("a"), claim("b")], made.nodes["n1"].object) or []
    assert sorted(c.volume["metadata"]["name"] for c in found if c.volume) == ["v1", "v2"]
    only = world(claim("a"), claim("b"), by_hand, volume("v1"))
    assert only.claims.choices([claim("a"), claim("b")], only.nodes["n1"].object) is None


def test_a_claim_for_one_pod_has_one_pod() -> None:
    other = pod("other", nodeName="n1", volumes=USER["spec"]["volumes"])
    once = bound(accessModes=["ReadWriteOncePod"])
    told = verdict(once, volume(claimRef=reference("data", "uid-data")), other)
    assert "ReadWriteOncePod access mode already in-use by another pod" in told
