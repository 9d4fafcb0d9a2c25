"""What a pod counts as, and which one goes first."""

from __future__ import annotations

import pytest

from tests.controllers.builders import NOW, pod, ready
from wherry.controllers.pods import available_in, deletion_order
from wherry.controllers.podtemplate import name_prefix, pod_from
from wherry.objects import Object
from wherry.objects.meaning.pods import is_active
from wherry.objects.timestamps import rfc3339


def with_restarts(obj: Object, count: int) -> Object:
    return obj | {"status": obj["status"] | {"containerStatuses": [{"restartCount": count}]}}


def since(obj: Object, at: float) -> Object:
    return obj | {"status": obj["status"] | {"conditions": [ready(at)]}}


PAIRS = {
    "a pod without a node": (pod("z", node=""), pod("a")),
    "a pending one": (pod("z", phase="Pending"), pod("a")),
    "one whose node does not answer": (pod("z", phase="Unknown"), pod("a")),
    "one that is not ready": (pod("z", is_ready=False), pod("a")),
    "the one that costs least": (
        pod("z", annotations={"controller.kubernetes.io/pod-deletion-cost": "-1"}),
        pod("a"),
    ),
    "the one that became ready last": (since(pod("z"), NOW - 10), since(pod("a"), NOW - 1000)),
    "the one with most restarts": (with_restarts(pod("z"), 3), pod("a")),
    "the youngest": (pod("z", creationTimestamp=rfc3339(NOW - 5)), pod("a")),
    "the lower uid, among pods of about one age": (
        pod("a", creationTimestamp=rfc3339(NOW - 1000)),
        pod("z", creationTimestamp=rfc3339(NOW - 1001)),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_the_first_to_go_is(name: str) -> None:
    first, second = PAIRS[name]
    assert deletion_order([second, first], {}, NOW) == [first, second]
    assert deletion_order([first, second], {}, NOW) == [first, second]


def test_crowded_nodes_lose_pods_first() -> None:
    alone, crowded = pod("a", node="n1"), pod("z", node="n2")
    assert deletion_order([alone, crowded], {"n1": 1, "n2": 3}, NOW) == [crowded, alone]


def test_a_pod_is_available_once_it_was_ready_for_the_minimum() -> None:
    fresh = since(pod("a"), NOW - 4)
    assert available_in(fresh, 0, NOW) == 0
    assert available_in(fresh, 10, NOW) == 6
    assert available_in(fresh, 10, NOW + 6) == 0
    assert available_in(pod("b", is_ready=False), 0, NOW) is None


def test_finished_and_deleted_pods_are_no_replicas() -> None:
    assert is_active(pod("a"))
    assert not is_active(pod("a", phase="Failed"))
    assert not is_active(pod("a", deletionTimestamp=rfc3339(NOW)))


def test_a_pod_gets_nothing_from_its_template_but_labels_annotations_finalizers_and_spec() -> None:
    owner = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "w", "namespace": "demo", "uid": "u"}}
    template = {"metadata": {"labels": {"a": "b"}, "name": "no", "creationTimestamp": None}, "spec": {"x": [1]}}
    made = pod_from(template, owner)
    assert set(made["metadata"]) == {"labels", "namespace", "generateName", "ownerReferences"}
    assert made["metadata"]["generateName"] == "w-"
    made["spec"]["x"].append(2)
    assert template["spec"] == {"x": [1]}


def test_a_long_owner_leaves_room_for_the_suffix() -> None:
    assert len(name_prefix("x" * 63)) == 58
