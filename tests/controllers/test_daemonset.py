"""One daemon pod per node it belongs to."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.controllers.builders import NOW, everything, node, pod, ready, running, template, until
from tests.fake.client import FakeClient
from wherry.controllers.daemonset.controller import DaemonSetController
from wherry.controllers.daemonset.placement import Eligibility, eligibility, node_of, pod_for
from wherry.controllers.daemonset.rollout import Update, Work, manage, roll, update_of
from wherry.objects import Object
from wherry.objects.nodeaffinity import admits
from wherry.objects.resource import CONTROLLER_REVISIONS, DAEMON_SETS, NODES, PODS
from wherry.objects.timestamps import rfc3339

HERE = Eligibility(run=True, stay=True)


def daemon_set(image: str = "web:1", pod_spec: Object | None = None, **spec: Any) -> Object:
    made = template(image)
    made["spec"] |= pod_spec or {}
    return {
        "apiVersion": "apps/v1",
        "kind": "DaemonSet",
        "metadata": {
            "name": "proxy",
            "namespace": "demo",
            "uid": "ds",
            "generation": 1,
            "annotations": {"deprecated.daemonset.template.generation": "1"},
        },
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": made,
            "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}},
            "revisionHistoryLimit": 10,
        }
        | spec,
    }


def taint(key: str, effect: str) -> Object:
    return {"key": key, "effect": effect}


@pytest.mark.parametrize(
    ("target", "where", "expected"),
    [
        (daemon_set(), node("n"), (True, True)),
        (daemon_set(pod_spec={"nodeSelector": {"x": "y"}}), node("n"), (False, False)),
        (daemon_set(), node("n", taints=[taint("smoke", "NoSchedule")]), (False, True)),
        (daemon_set(), node("n", taints=[taint("smoke", "NoExecute")]), (False, False)),
        (daemon_set(), node("n", taints=[taint("node.kubernetes.io/not-ready", "NoExecute")]), (True, True)),
        (daemon_set(), node("n", taints=[taint("node.kubernetes.io/unschedulable", "NoSchedule")]), (True, True)),
        (daemon_set(pod_spec={"nodeName": "other"}), node("n"), (False, False)),
    ],
)
def test_a_daemon_runs_where_labels_and_taints_allow(
    target: Object, where: Object, expected: tuple[bool, bool]
) -> None:
    assert eligibility(target, where) == expected


def test_a_daemon_pod_is_pinned_to_its_node_by_affinity() -> None:
    made = pod_for(daemon_set(), "n2", "abc")
    assert node_of(made) == "n2"
    assert admits(made["spec"], node("n2"))
    assert not admits(made["spec"], node("n1"))
    assert made["metadata"]["labels"] == {
        "app": "web",
        "controller-revision-hash": "abc",
        "pod-template-generation": "1",
    }


def daemon(name: str, where: str, digest: str, **more: Any) -> Object:
    return pod(name, node=where, labels={"controller-revision-hash": digest}, **more)


def test_missing_surplus_finished_and_misplaced_pods_are_put_right() -> None:
    pods = {
        "n2": [
            daemon("old", "n2", "x", creationTimestamp=rfc3339(NOW - 9)),
            daemon("young", "n2", "x", creationTimestamp=rfc3339(NOW)),
        ],
        "n3": [daemon("failed", "n3", "x", phase="Failed")],
        "n4": [daemon("wrong", "n4", "x")],
        "n5": [daemon("kept", "n5", "x")],
    }
    eligible = {
        "n1": HERE,
        "n2": HERE,
        "n3": HERE,
        "n4": Eligibility(run=False, stay=False),
        "n5": Eligibility(run=False, stay=True),
    }
    work = manage(eligible, pods, "x", 0)
    assert work.create == ["n1"]
    assert [p["metadata"]["name"] for p in work.delete] == ["young", "failed", "wrong"]


def step(pods: list[Object], update: Update) -> Work:
    by_node = {p["spec"]["nodeName"]: [q for q in pods if q["spec"]["nodeName"] == p["spec"]["nodeName"]] for p in pods}
    return roll(dict.fromkeys(by_node, HERE), by_node, "new", update, 0, NOW)


def test_a_rolling_update_takes_no_more_working_pods_than_may_be_missing() -> None:
    old = [daemon(f"o{i}", f"n{i}", "old") for i in range(4)]
    assert len(step(old, Update(2, 0)).delete) == 2
    coming = [daemon("new", "n0", "new", is_ready=False), *old[1:]]
    assert len(step(coming, Update(1, 0)).delete) == 0
    broken = [daemon("b", "n9", "old", is_ready=False), *coming]
    assert [p["metadata"]["name"] for p in step(broken, Update(1, 0)).delete] == ["b"]


def test_with_a_surge_the_old_pod_goes_when_the_new_one_works() -> None:
    old = [daemon(f"o{i}", f"n{i}", "old") for i in range(3)]
    assert step(old, Update(0, 1)) == Work(["n0"], [])
    coming = daemon("c", "n0", "new", is_ready=False)
    assert step([*old, coming], Update(0, 1)) == Work([], [])
    assert step([*old, daemon("c", "n0", "new")], Update(0, 1)).delete == [old[0]]


def test_percentages_are_of_the_nodes_that_run_it_rounded_up() -> None:
    rolling = {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "10%"}}
    assert update_of(daemon_set(updateStrategy=rolling), 11) == Update(2, 0)
    assert update_of(daemon_set(updateStrategy={}), 11) == Update(1, 0)


class Kubelets:
    """Binds daemon pods where their affinity says and makes them ready."""

    def __init__(self, client: FakeClient):
        self.client = client

    def work(self) -> None:
        for made in everything(self.client, PODS):
            if made["metadata"].get("deletionTimestamp"):
                self.client.remove(PODS, made["metadata"]["name"], "demo")
            elif not made["spec"].get("nodeName"):
                status = {"phase": "Running", "conditions": [ready()]}
                self.client.put(made | {"spec": made["spec"] | {"nodeName": node_of(made)}, "status": status})

    def images(self) -> dict[str, str]:
        self.work()
        return {node_of(p): p["spec"]["containers"][0]["image"] for p in everything(self.client, PODS)}


async def change_image(client: FakeClient, image: str) -> None:
    change = {"spec": {"template": daemon_set(image)["spec"]["template"]}}
    await client.patch(DAEMON_SETS, "proxy", change, "demo")


async def test_a_daemon_set_covers_nodes_as_they_come_and_rolls_out_and_back() -> None:
    client = FakeClient(daemon_set(), node("n1"), node("n2"))
    kubelets = Kubelets(client)
    async with running(client, (DaemonSetController,)):
        await until(lambda: kubelets.images() == {"n1": "web:1", "n2": "web:1"})
        client.put(node("n3"))
        await until(lambda: kubelets.images() == {"n1": "web:1", "n2": "web:1", "n3": "web:1"})
        client.remove(NODES, "n3")
        client.remove(PODS, next(p["metadata"]["name"] for p in everything(client, PODS) if node_of(p) == "n3"), "demo")
        await change_image(client, "web:2")
        await until(lambda: kubelets.images() == {"n1": "web:2", "n2": "web:2"})
        await change_image(client, "web:1")
        await until(lambda: kubelets.images() == {"n1": "web:1", "n2": "web:1"})

        def status() -> Object:
            return dict((client.peek(DAEMON_SETS, "proxy", "demo") or {}).get("status") or {})

        await until(lambda: status().get("updatedNumberScheduled") == status().get("numberAvailable") == 2)
        assert status()["desiredNumberScheduled"] == 2
    assert sorted(int(r["revision"]) for r in everything(client, CONTROLLER_REVISIONS)) == [2, 3]


async def test_on_delete_waits_for_the_user() -> None:
    client = FakeClient(daemon_set(updateStrategy={"type": "OnDelete"}), node("n1"))
    kubelets = Kubelets(client)
    async with running(client, (DaemonSetController,)):
        await until(lambda: kubelets.images() == {"n1": "web:1"})
        await change_image(client, "web:2")
        await until(lambda: len(everything(client, CONTROLLER_REVISIONS)) == 2)
        assert kubelets.images() == {"n1": "web:1"}
        client.remove(PODS, everything(client, PODS)[0]["metadata"]["name"], "demo")
        await until(lambda: kubelets.images() == {"n1": "web:2"})


async def test_the_history_of_a_daemon_set_deleted_without_its_pods_is_taken_over() -> None:
    client = FakeClient(daemon_set(), node("n1"))
    kubelets = Kubelets(client)
    async with running(client, (DaemonSetController,)):
        await until(lambda: kubelets.images() == {"n1": "web:1"})
        await change_image(client, "web:2")
        await until(lambda: kubelets.images() == {"n1": "web:2"})
        for revision in everything(client, CONTROLLER_REVISIONS):
            client.put(revision | {"metadata": revision["metadata"] | {"ownerReferences": []}})

        def owned() -> list[bool]:
            return [bool(r["metadata"].get("ownerReferences")) for r in everything(client, CONTROLLER_REVISIONS)]

        await until(lambda: owned() == [True, True])


async def test_a_revision_is_what_go_writes_for_its_template() -> None:
    """The e2e suite finds the current revision by its bytes: keys sorted at every level."""
    client = FakeClient(daemon_set(pod_spec={"terminationGracePeriodSeconds": 1, "dnsPolicy": "Default"}), node("n1"))
    async with running(client, (DaemonSetController,)):
        await until(lambda: everything(client, CONTROLLER_REVISIONS))
    [made] = everything(client, CONTROLLER_REVISIONS)
    assert json.dumps(made["data"]) == json.dumps(made["data"], sort_keys=True)


async def test_of_two_revisions_of_one_template_the_newer_is_kept_and_no_pod_replaced() -> None:
    client = FakeClient(daemon_set(), node("n1"))
    kubelets = Kubelets(client)
    async with running(client, (DaemonSetController,)):
        await until(lambda: kubelets.images() == {"n1": "web:1"})
        [first] = everything(client, CONTROLLER_REVISIONS)
        meta = {**first["metadata"], "name": "proxy-copy", "uid": "copy"}
        labels = {**meta["labels"], "controller-revision-hash": "copy"}
        client.put(first | {"metadata": meta | {"labels": labels}, "revision": 2})
        client.put(node("n2"))  # a copy alone is left alone: its maker may be about to delete the first
        await until(lambda: [r["metadata"]["name"] for r in everything(client, CONTROLLER_REVISIONS)] == ["proxy-copy"])
        await until(lambda: kubelets.images() == {"n1": "web:1", "n2": "web:1"})
        labelled = {p["metadata"]["labels"]["controller-revision-hash"] for p in everything(client, PODS)}
        assert labelled == {"copy"}
        assert [call for call in client.calls if call.verb == "delete" and call.resource == PODS] == []
