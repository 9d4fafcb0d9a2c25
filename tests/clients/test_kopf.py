"""An operator by kopf, a pod with just the rights of its manifest: its status, finalizer, webhooks and events."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from harness import Cluster, eventually

HERE = Path(__file__).resolve().parent
IMAGES = HERE / "images.yaml"


@pytest.fixture(scope="module")
def operated(k8s: Cluster) -> Cluster:
    k8s.kubectl(f"apply -f {HERE / 'gadgets.yaml'}")
    k8s.kubectl("-n gadgets rollout status deployment/gadgets --timeout=120s", timeout=150)
    for kind in ("validating", "mutating"):
        webhooks = (
            f"get {kind}webhookconfiguration harbour.example -o jsonpath={{.webhooks[0].clientConfig.service.name}}"
        )
        eventually(f"its {kind} webhook", lambda words=webhooks: k8s.kubectl(words) == "gadgets")
    return k8s


def gadget(name: str, **spec: object) -> str:
    made = {"apiVersion": "harbour.example/v1", "kind": "Gadget", "metadata": {"name": name}, "spec": spec}
    return json.dumps(made)


def test_a_gadget_becomes_what_the_operator_makes_of_it(operated: Cluster) -> None:
    operated.kubectl("apply -f -", stdin=gadget("lamp", size=3))
    data = "get configmap lamp -o jsonpath={.data}"
    eventually("its ConfigMap", lambda: json.loads(operated.kubectl(data)) == {"size": "3", "colour": "grey"})
    eventually("its status", lambda: "3" in operated.kubectl("get gadget lamp --no-headers").split())
    operated.kubectl("apply -f -", stdin=gadget("lamp", size=4, colour="red"))
    eventually("the change", lambda: json.loads(operated.kubectl(data)) == {"size": "4", "colour": "red"})
    events = "get events --field-selector involvedObject.name=lamp,reason=Kept"
    eventually("its event", lambda: "size 4" in operated.kubectl(events))


def test_the_webhooks_refuse_and_warn(operated: Cluster) -> None:
    assert "does not fit through the door" in operated.kubectl("apply -f -", stdin=gadget("ship", size=11), check=False)
    assert "Warning: a big gadget" in operated.kubectl("apply --dry-run=server -f -", stdin=gadget("boat", size=6))
    assert operated.kubectl("get gadgets -o name").split() == ["gadget.harbour.example/lamp"]


def test_a_gadget_goes_when_the_operator_has_said_farewell(operated: Cluster) -> None:
    operated.kubectl("delete gadget lamp --timeout=60s")
    assert operated.kubectl("get configmap lamp-was-here -o name").strip() == "configmap/lamp-was-here"
    eventually("its ConfigMap is collected", lambda: not operated.kubectl("get configmap lamp --ignore-not-found"))
