"""What may be changed of a pod that exists, and how long it has to end."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.kinds.pipeline import accepted, write
from wherry.apiserver.kinds.core.pods.pod import POD
from wherry.objects import Object, metadata


def pod(**spec: Any) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "demo"},
        "spec": {"containers": [{"name": "web", "image": "nginx:1"}], **spec},
    }


def changed(old: Object, **spec: Any) -> Object:
    new = metadata.copy(old)
    new["spec"].update(spec)
    return new


def errors(new: Object, old: Object) -> list[str]:
    return [str(e) for e in write(new, old)[1]]


def test_an_update_of_another_field_is_refused_with_the_difference() -> None:
    old = accepted(pod())
    (error,) = errors(changed(old, hostname="other"), old)
    start = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    assert error.startswith(start)
    assert '+   "hostname": "other",' in error


def test_an_update_cannot_set_the_node() -> None:
    """Only the binding subresource can, and it is not held to these rules."""
    old = accepted(pod())
    bound = changed(old, nodeName="k8s-slave1")
    assert errors(bound, old) != []
    assert errors(changed(bound, nodeName="k8s-slave2"), bound) != []


def test_tolerations_may_be_added_but_not_changed() -> None:
    old = accepted(pod(tolerations=[{"key": "a", "operator": "Exists"}]))
    more = [*old["spec"]["tolerations"], {"key": "b", "operator": "Exists"}]
    assert errors(changed(old, tolerations=more), old) == []
    assert errors(changed(old, tolerations=more[1:]), old) == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"
    ]


def test_the_deadline_may_only_come_closer() -> None:
    old = accepted(pod(activeDeadlineSeconds=100))
    assert errors(changed(old, activeDeadlineSeconds=50), old) == []
    assert errors(changed(old, activeDeadlineSeconds=200), old) == [
        "spec.activeDeadlineSeconds: Invalid value: 200: must be less than or equal to previous value"
    ]


def test_the_quality_of_service_class_stays() -> None:
    old = accepted(pod())
    new = {**old, "status": {**old["status"], "qosClass": "Guaranteed"}}
    assert errors(new, old) == ['status.qosClass: Invalid value: "Guaranteed": field is immutable']


def test_a_container_that_must_not_restart_stays_terminated() -> None:
    old = accepted(pod(restartPolicy="Never"))
    ended = {"containerStatuses": [{"name": "web", "state": {"terminated": {"exitCode": 1}}}]}
    old["status"] = {**old["status"], **ended}
    new = metadata.copy(old)
    new["status"]["containerStatuses"][0]["state"] = {"running": {}}
    assert errors(new, old) == [
        "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"
    ]


@pytest.mark.parametrize(
    ("spec", "status", "asked", "seconds"),
    [
        ({}, {}, None, 0),
        ({"nodeName": "n"}, {"phase": "Succeeded"}, None, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, {"phase": "Running"}, None, 30),
        ({"nodeName": "n", "terminationGracePeriodSeconds": 30}, {"phase": "Running"}, 0, 0),
        ({"nodeName": "n", "terminationGracePeriodSeconds": -5}, {"phase": "Running"}, None, 1),
    ],
)
def test_a_pod_has_its_grace_period_only_where_something_runs(
    spec: Object, status: Object, asked: int | None, seconds: int
) -> None:
    assert POD.grace_period is not None
    assert POD.grace_period({"spec": spec, "status": status}, asked) == seconds


def test_gates_are_only_taken_away_and_keep_a_pod_from_every_node() -> None:
    gated = accepted(pod(schedulingGates=[{"name": "a.io/x"}, {"name": "a.io/y"}]))
    (condition,) = gated["status"]["conditions"]
    assert (condition["type"], condition["status"], condition["reason"]) == ("PodScheduled", "False", "SchedulingGated")
    assert errors(changed(gated, schedulingGates=[{"name": "a.io/x"}]), gated) == []
    assert errors(changed(gated, schedulingGates=[{"name": "a.io/z"}]), gated) == [
        "spec.schedulingGates: Forbidden: only deletion is allowed, but found new scheduling gate 'a.io/z'"
    ]
    assert [str(e) for e in write(pod(nodeName="n", schedulingGates=[{"name": "x"}, {"name": "x"}]))[1]] == [
        'spec.schedulingGates[1]: Duplicate value: "x"',
        "spec.nodeName: Forbidden: cannot be set until all schedulingGates have been cleared",
    ]
