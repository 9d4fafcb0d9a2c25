"""What a pod says."""

from __future__ import annotations

import pytest

from wherry.objects.family import Family
from wherry.objects.meaning import pods


def pod(spec=None, **status):
    return {"metadata": {"name": "p", "namespace": "demo"}, "spec": spec or {}, "status": status}


@pytest.mark.parametrize(
    ("phase", "ended"),
    [("Pending", False), ("Running", False), ("Unknown", False), (None, False), ("Succeeded", True), ("Failed", True)],
)
def test_two_phases_are_an_end(phase, ended):
    assert pods.has_ended(pod(phase=phase)) is ended
    assert pods.is_active(pod(phase=phase)) is not ended


def test_a_pod_without_a_status_has_not_ended():
    assert not pods.has_ended({"metadata": {"name": "p"}, "spec": {}})
    assert not pods.has_ended({"metadata": {"name": "p"}, "spec": {}, "status": None})


def test_a_pod_being_deleted_is_no_replica():
    leaving = pod(phase="Running")
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert not pods.is_active(leaving)


def test_ready_is_the_condition_and_so_is_its_time():
    since = "1970-01-01T00:01:00Z"
    ready = pod(conditions=[{"type": "Ready", "status": "True", "lastTransitionTime": since}])
    unready = pod(conditions=[{"type": "Ready", "status": "False", "lastTransitionTime": since}])
    assert (pods.is_ready(ready), pods.ready_since(ready)) == (True, 60.0)
    assert (pods.is_ready(unready), pods.ready_since(unready)) == (False, None)
    assert (pods.is_ready(pod()), pods.ready_since(pod())) == (False, None)
    assert pods.ready_since(pod(conditions=[{"type": "Ready", "status": "True"}])) is None


def test_addresses_are_those_of_both_fields():
    assert pods.addresses(pod(podIP="10.0.0.1", podIPs=[{"ip": "10.0.0.1"}, {"ip": "fd00::1"}])) == [
        "10.0.0.1",
        "fd00::1",
    ]
    assert pods.addresses(pod(podIP="10.0.0.1")) == ["10.0.0.1"]
    assert pods.addresses(pod(podIPs=[{}])) == pods.addresses(pod(podIP="")) == pods.addresses(pod()) == []
    assert pods.addresses_of(pod(podIPs=[{"ip": "10.0.0.1"}, {"ip": "fd00::1"}]), Family.V6) == ["fd00::1"]


def test_where_it_is():
    assert (pods.node_of(pod({"nodeName": "n1"})), pods.node_of(pod())) == ("n1", "")
    assert (pods.host_address(pod(hostIP="192.168.0.1")), pods.host_address(pod())) == ("192.168.0.1", "")


def test_sidecars_last_and_other_init_containers_do_not():
    regular, sidecar, first = {"name": "a"}, {"name": "b", "restartPolicy": "Always"}, {"name": "c"}
    assert pods.lasting_containers({"containers": [regular], "initContainers": [first, sidecar]}) == [regular, sidecar]
    assert pods.lasting_containers({"initContainers": None}) == []
