"""Volumes made of API objects, as files."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.node.build import container, pod
from wherry.node.volumes.atomic import File
from wherry.node.volumes.errors import VolumeError
from wherry.node.volumes.payload import Facts, build
from wherry.objects import Object

OBJECTS: dict[tuple[str, str], Object] = {
    ("ConfigMap", "c"): {"data": {"a": "1", "b": "2"}, "binaryData": {"raw": base64.b64encode(b"\xff").decode()}},
    ("Secret", "s"): {"data": {"tls.crt": base64.b64encode(b"cert").decode()}},
}
LIMITED = container(resources={"limits": {"memory": "64Mi"}})
FACTS = Facts(
    pod=pod(LIMITED, meta={"labels": {"app": "x", "b": 'q"'}}),
    pod_ips=("10.244.1.7",),
    host_ips=("192.168.51.210",),
    allocatable={},
    lookup=lambda kind, name: OBJECTS.get((kind, name)),
    token=lambda projection: f"token for {projection['audience']}",
)


def made(kind: str, **source: Any) -> dict[str, File]:
    return build(kind, source, FACTS)


def test_a_config_map_is_all_its_keys():
    assert made("configMap", name="c") == {"a": File(b"1", 0o644), "b": File(b"2", 0o644), "raw": File(b"\xff", 0o644)}


def test_items_choose_keys_paths_and_modes():
    items = [{"key": "a", "path": "deep/a", "mode": 0o600}]
    assert made("configMap", name="c", items=items, defaultMode=0o400) == {"deep/a": File(b"1", 0o600)}


def test_a_secret_is_decoded():
    assert made("secret", secretName="s", defaultMode=0o400) == {"tls.crt": File(b"cert", 0o400)}


def test_the_downward_api_tells_of_the_pod_and_its_containers():
    items = [
        {"path": "labels", "fieldRef": {"fieldPath": "metadata.labels"}},
        {"path": "memory", "resourceFieldRef": {"containerName": "web", "resource": "limits.memory", "divisor": "1Mi"}},
    ]
    found = made("downwardAPI", items=items)
    assert found["labels"].content == b'app="x"\nb="q\\""'
    assert found["memory"].content == b"64"


def test_a_projection_joins_its_sources():
    sources = [
        {"configMap": {"name": "c", "items": [{"key": "a", "path": "a"}]}},
        {"secret": {"name": "s"}},
        {"serviceAccountToken": {"path": "token", "audience": "vault"}},
    ]
    found = made("projected", sources=sources)
    assert {name: file.content for name, file in found.items()} == {
        "a": b"1",
        "tls.crt": b"cert",
        "token": b"token for vault",
    }


@pytest.mark.parametrize(
    ("kind", "source", "message"),
    [
        ("configMap", {"name": "none"}, 'configmap "none" not found'),
        ("secret", {"secretName": "none"}, 'secret "none" not found'),
        ("configMap", {"name": "c", "items": [{"key": "z", "path": "z"}]}, "non-existent config key: z"),
        ("configMap", {"name": "c", "items": [{"key": "a", "path": "../etc"}]}, "invalid path"),
        ("projected", {"sources": [{"clusterTrustBundle": {}}]}, "clusterTrustBundle is not supported"),
    ],
)
def test_what_is_missing_or_unknown_is_told(kind: str, source: Any, message: str):
    with pytest.raises(VolumeError, match=message):
        made(kind, **source)


def test_what_is_optional_may_be_missing():
    assert made("configMap", name="none", optional=True) == {}
