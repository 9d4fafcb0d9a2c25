"""The next step of a StatefulSet: one pod after the other, each with its name and its claims."""

from __future__ import annotations

from typing import Any

import pytest

from tests.controllers.builders import NOW, everything, names, pod, running, template, until
from tests.fake.client import FakeClient
from wherry.controllers import revision
from wherry.controllers.statefulset import claims
from wherry.controllers.statefulset.controller import StatefulSetController
from wherry.controllers.statefulset.decide import Step, decide
from wherry.controllers.statefulset.identity import Revisions, new_pod
from wherry.controllers.statefulset.status import new_status
from wherry.objects import Object
from wherry.objects.resource import CONTROLLER_REVISIONS, PERSISTENT_VOLUME_CLAIMS, PODS, STATEFUL_SETS

CLAIM = {"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}


def stateful_set(replicas: int = 3, image: str = "web:1", **spec: Any) -> Object:
    return {
        "apiVersion": "apps/v1",
        "kind": "StatefulSet",
        "metadata": {"name": "web", "namespace": "demo", "uid": "s1", "generation": 1},
        "spec": {
            "replicas": replicas,
            "serviceName": "peers",
            "selector": {"matchLabels": {"app": "web"}},
            "template": template(image),
            "podManagementPolicy": "OrderedReady",
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}},
            "revisionHistoryLimit": 10,
        }
        | spec,
    }


def rolling(**how: Any) -> Object:
    return {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1} | how}


OLD = revision.make(stateful_set(image="web:1"), 1, "h")
NEW = revision.make(stateful_set(image="web:2"), 2, "h")
BOTH = Revisions(OLD, NEW)
ONE = Revisions(OLD, OLD)


def member(number: int, of: Object = OLD, **more: Any) -> Object:
    name = f"web-{number}"
    labels = {
        "app": "web",
        "controller-revision-hash": of["metadata"]["name"],
        "statefulset.kubernetes.io/pod-name": name,
        "apps.kubernetes.io/pod-index": str(number),
    }
    return pod(name, **({"labels": labels} | more))


def step(owner: Object, pods: list[Object], revisions: Revisions = ONE, there: claims.Claims | None = None) -> Step:
    return decide(owner, pods, revisions, there or {}, NOW)


def named(objects: list[Object]) -> list[str]:
    return [o["metadata"]["name"] for o in objects]


def test_pods_come_one_after_the_other_each_when_the_one_before_is_ready() -> None:
    assert named(step(stateful_set(), []).create) == ["web-0"]
    assert named(step(stateful_set(), [member(0)]).create) == ["web-1"]
    assert step(stateful_set(), [member(0, is_ready=False)]) == Step()


def test_in_parallel_all_come_at_once() -> None:
    owner = stateful_set(podManagementPolicy="Parallel")
    assert named(step(owner, [member(1, is_ready=False)]).create) == ["web-0", "web-2"]


def test_numbers_begin_where_ordinals_say() -> None:
    owner = stateful_set(replicas=2, ordinals={"start": 5})
    assert named(step(owner, []).create) == ["web-5"]
    assert named(step(owner, [member(5), member(6), member(0)]).delete) == ["web-0"]


def test_the_highest_goes_first_and_only_when_all_others_work() -> None:
    pods = [member(i) for i in range(3)]
    assert named(step(stateful_set(replicas=1), pods).delete) == ["web-2"]
    broken = [member(0, is_ready=False), *pods[1:]]
    assert step(stateful_set(replicas=1), broken) == Step()
    going = [*pods[:2], member(2, deletionTimestamp="2026-01-01T00:00:00Z")]
    assert step(stateful_set(replicas=1), going) == Step()


def test_the_highest_goes_also_when_it_is_the_one_that_is_broken() -> None:
    pods = [member(0), member(1, is_ready=False)]
    assert named(step(stateful_set(replicas=1), pods).delete) == ["web-1"]
    pods = [member(0), member(1, is_ready=False), member(2)]
    assert named(step(stateful_set(replicas=1), pods).delete) == ["web-2"]


def test_a_pod_that_has_ended_is_replaced() -> None:
    assert named(step(stateful_set(), [member(0, phase="Failed")]).delete) == ["web-0"]


def test_an_update_takes_the_highest_first_one_at_a_time() -> None:
    pods = [member(i) for i in range(3)]
    assert named(step(stateful_set(), pods, BOTH).delete) == ["web-2"]
    assert named(step(stateful_set(), [*pods[:2], member(2, NEW)], BOTH).delete) == ["web-1"]
    assert step(stateful_set(), [*pods[:2], member(2, NEW, is_ready=False)], BOTH) == Step()


@pytest.mark.parametrize(
    ("strategy", "gone"),
    [
        (rolling(partition=2), ["web-2"]),
        (rolling(partition=3), []),
        (rolling(maxUnavailable=2), ["web-2", "web-1"]),
        (rolling(maxUnavailable="70%"), ["web-2", "web-1"]),
        (rolling(maxUnavailable="1%"), ["web-2"]),
        ({"type": "RollingUpdate"}, ["web-2"]),
        ({"type": "OnDelete"}, []),
    ],
)
def test_the_strategy_says_how_many_go(strategy: Object, gone: list[str]) -> None:
    pods = [member(i) for i in range(3)]
    assert named(step(stateful_set(updateStrategy=strategy), pods, BOTH).delete) == gone


def test_in_parallel_old_pods_that_do_not_work_cost_nothing() -> None:
    owner = stateful_set(podManagementPolicy="Parallel")
    pods = [member(0, is_ready=False), member(1), member(2)]
    assert named(step(owner, pods, BOTH).delete) == ["web-0"]


def test_below_the_partition_a_new_pod_is_of_the_old_revision() -> None:
    owner = stateful_set(updateStrategy=rolling(partition=2))
    images = [new_pod(owner, n, BOTH)["spec"]["containers"][0]["image"] for n in (1, 2)]
    assert images == ["web:1", "web:2"]


def test_a_pod_has_a_name_a_host_name_labels_and_its_own_claims() -> None:
    made = new_pod(stateful_set(volumeClaimTemplates=[CLAIM]), 1, ONE)
    assert made["metadata"]["name"] == "web-1"
    assert "generateName" not in made["metadata"]
    assert made["metadata"]["labels"] == {
        "app": "web",
        "controller-revision-hash": OLD["metadata"]["name"],
        "statefulset.kubernetes.io/pod-name": "web-1",
        "apps.kubernetes.io/pod-index": "1",
    }
    assert (made["spec"]["hostname"], made["spec"]["subdomain"]) == ("web-1", "peers")
    assert made["spec"]["volumes"] == [{"name": "data", "persistentVolumeClaim": {"claimName": "data-web-1"}}]


def claim(name: str, *owners: Object) -> Object:
    return {"kind": "PersistentVolumeClaim", "metadata": {"name": name, "ownerReferences": list(owners)}}


def test_claims_come_before_their_pod_and_are_used_again() -> None:
    owner = stateful_set(volumeClaimTemplates=[CLAIM])
    made = step(owner, []).create_claims
    assert named(made) == ["data-web-0"]
    assert made[0]["metadata"]["labels"] == {"app": "web"}
    assert step(owner, [], there={"data-web-0": claim("data-web-0")}).create_claims == []


def test_with_delete_a_claim_goes_with_the_set_and_with_a_pod_that_is_scaled_away() -> None:
    policy = {"whenDeleted": "Delete", "whenScaled": "Delete"}
    owner = stateful_set(replicas=1, volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
    there = {n: claim(n) for n in ("data-web-0", "data-web-1")}
    found = step(owner, [member(0), member(1)], there=there).update_claims
    assert [(c["metadata"]["name"], c["metadata"]["ownerReferences"][0]["kind"]) for c in found] == [
        ("data-web-0", "StatefulSet"),
        ("data-web-1", "Pod"),
    ]


def test_with_retain_a_claim_is_nobodys() -> None:
    owner = stateful_set(volumeClaimTemplates=[CLAIM])
    there = {"data-web-0": claim("data-web-0", {"kind": "StatefulSet", "name": "web", "uid": "s1"})}
    found = step(owner, [member(0)], there=there).update_claims
    assert [c["metadata"]["ownerReferences"] for c in found] == [[]]


def test_a_claim_that_goes_with_a_pod_that_is_gone_is_waited_for() -> None:
    policy = {"whenDeleted": "Retain", "whenScaled": "Delete"}
    owner = stateful_set(volumeClaimTemplates=[CLAIM], persistentVolumeClaimRetentionPolicy=policy)
    stale = {"data-web-0": claim("data-web-0", {"kind": "Pod", "name": "web-0", "uid": "before"})}
    assert step(owner, [], there=stale) == Step()


def test_an_update_is_over_when_all_pods_are_new_and_ready() -> None:
    pods = [member(0, NEW), member(1, NEW)]
    status = new_status(stateful_set(replicas=2), pods, BOTH, NOW)
    assert status["currentRevision"] == status["updateRevision"] == NEW["metadata"]["name"]
    assert (status["currentReplicas"], status["updatedReplicas"], status["readyReplicas"]) == (2, 2, 2)
    status = new_status(stateful_set(replicas=2), [member(0), member(1, NEW)], BOTH, NOW)
    assert status["currentRevision"] == OLD["metadata"]["name"]
    assert (status["currentReplicas"], status["updatedReplicas"]) == (1, 1)


async def test_the_loop_makes_pods_claims_and_a_revision_and_rolls_an_update_out() -> None:
    client = FakeClient(stateful_set(replicas=2, volumeClaimTemplates=[CLAIM]))
    async with running(client, [StatefulSetController]):
        for number in range(2):
            await until(lambda number=number: f"web-{number}" in names(client, PODS))
            client.put(make_ready(client, number))
        assert names(client, PERSISTENT_VOLUME_CLAIMS) == {"data-web-0", "data-web-1"}
        await until(lambda: status(client).get("readyReplicas") == 2)
        client.put(client.peek(STATEFUL_SETS, "web", "demo") | {"spec": stateful_set(2, "web:2")["spec"]})
        await until(lambda: len(everything(client, CONTROLLER_REVISIONS)) == 2)
        for number in (1, 0):
            await until(lambda number=number: image(client, number) == "web:2")
            client.put(make_ready(client, number))
        await until(lambda: status(client)["currentRevision"] == status(client)["updateRevision"])


def make_ready(client: FakeClient, number: int) -> Object:
    return client.peek(PODS, f"web-{number}", "demo") | {"status": member(number)["status"]}


def image(client: FakeClient, number: int) -> str:
    found = client.peek(PODS, f"web-{number}", "demo")
    return found["spec"]["containers"][0]["image"] if found else ""


def status(client: FakeClient) -> Object:
    return client.peek(STATEFUL_SETS, "web", "demo").get("status") or {}
