"""What a node refuses by name, and what a pod refers to."""

from __future__ import annotations

import pytest

from tests.node.build import container, pod
from wherry.node.pods.plan import apparmor
from wherry.node.pods.plan.unsupported import refusals, warnings
from wherry.objects import Object, podreferences


@pytest.mark.parametrize(
    ("spec", "named"),
    [
        (pod(volumes=[{"name": "v", "nfs": {"server": "x", "path": "/"}}]), "nfs"),
        (pod(container(volumeDevices=[{"name": "v", "devicePath": "/v"}])), "volumeDevices"),
    ],
)
def test_what_cannot_be_done_is_refused_by_name(spec: Object, named: str):
    [refusal] = refusals(spec)
    assert named in refusal


def test_an_ordinary_pod_is_refused_nothing():
    assert refusals(pod(volumes=[{"name": "a", "emptyDir": {}}, {"name": "b"}])) == []


def test_what_is_left_out_is_warned_about():
    spec = pod(securityContext={"seLinuxOptions": {"level": "s0"}})
    assert len(warnings(spec)) == 1
    spec = pod(container(securityContext={"appArmorProfile": {"type": "RuntimeDefault"}}))
    assert len(apparmor.warnings(spec, enabled=True)) == 1
    assert apparmor.warnings(spec, enabled=False) == []
    assert apparmor.rejection(spec, enabled=True) is None


@pytest.mark.parametrize("kind", ["RuntimeDefault", "Localhost"])
def test_an_apparmor_profile_is_refused_where_the_kernel_has_none(kind: str):
    spec = pod(securityContext={"appArmorProfile": {"type": kind, "localhostProfile": "mine"}})
    assert apparmor.rejection(spec, enabled=False) == apparmor.NOT_ENABLED
    assert apparmor.rejection(pod(securityContext={"appArmorProfile": {"type": "Unconfined"}}), enabled=False) is None


def test_references_are_found_in_environment_and_volumes():
    spec = pod(
        container(
            env=[{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "a", "key": "k"}}}],
            envFrom=[{"secretRef": {"name": "b"}}],
        ),
        volumes=[
            {"name": "v", "secret": {"secretName": "c"}},
            {"name": "w", "projected": {"sources": [{"configMap": {"name": "d"}}]}},
        ],
    )
    expected = {("ConfigMap", "a"), ("Secret", "b"), ("Secret", "c"), ("ConfigMap", "d")}
    assert podreferences.of_pod(spec) == expected
