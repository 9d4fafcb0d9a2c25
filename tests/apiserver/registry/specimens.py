"""A valid object of every served kind, with as many fields as the corpus and the manifests have."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.apiserver.kinds.pipeline import World, accepted, kind_of
from wherry.apiserver.kinds import KINDS
from wherry.objects import Object
from wherry.objects.errors import ApiError

ROOT = Path(__file__).resolve().parents[3]
MANIFESTS = ("examples/myblog/manifests/*.yaml", "wherry/ingress/manifest.yaml")
PER_KIND = 3
_META = {"name": "x"}
_SELECTOR = {"matchExpressions": [{"key": "a", "operator": "Exists"}]}
_PLAIN: list[Object] = [  # kinds the corpus has no whole example of
    {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": _META, "imagePullSecrets": [{"name": "s"}]},
    {"apiVersion": "apps/v1", "kind": "ControllerRevision", "metadata": _META, "revision": 1, "data": {"a": {"b": 1}}},
    {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": _META,
        "addressType": "IPv4",
        "endpoints": [{"addresses": ["10.0.0.1"], "conditions": {"ready": True}, "nodeName": "n"}],
        "ports": [{"name": "http", "port": 80, "protocol": "TCP"}],
    },
    {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": _META,
        "spec": {
            "selector": {"matchLabels": {"a": "b"}},
            "template": {
                "metadata": {"labels": {"a": "b"}},
                "spec": {"containers": [{"name": "c", "image": "i", "resources": {"requests": {"cpu": "1"}}}]},
            },
        },
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IPAddress",
        "metadata": {"name": "10.96.0.7"},
        "spec": {"parentRef": {"resource": "services", "namespace": "demo", "name": "a"}},
    },
    {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "ServiceCIDR",
        "metadata": _META,
        "spec": {"cidrs": ["10.120.0.0/16"]},
        "status": {"conditions": [{"type": "Ready", "status": "True", "reason": "", "message": ""}]},
    },
    {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": _META,
        "spec": {"holderIdentity": "a", "renewTime": "2026-01-01T00:00:00.000000Z", "leaseDurationSeconds": 5},
    },
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _META, "data": {"a": "b"}, "binaryData": {"c": "AA=="}},
    {"apiVersion": "v1", "kind": "Secret", "metadata": _META, "data": {"a": "AA=="}, "stringData": {"b": "c"}},
    {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": _META | {"labels": {"a": "b"}, "annotations": {"a": "b"}, "finalizers": ["example.com/f"]},
        "spec": {
            "containers": [
                {
                    "name": "c",
                    "image": "i",
                    "env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                    "ports": [{"containerPort": 80, "name": "http"}],
                    "resources": {"requests": {"cpu": "1", "memory": "1Mi"}, "limits": {"cpu": "2"}},
                    "readinessProbe": {"httpGet": {"path": "/", "port": "http"}},
                    "volumeMounts": [{"name": "v", "mountPath": "/v"}],
                    "securityContext": {"capabilities": {"add": ["NET_ADMIN"]}},
                }
            ],
            "volumes": [{"name": "v", "projected": {"sources": [{"configMap": {"name": "m"}}]}}],
            "tolerations": [{"key": "a", "operator": "Exists"}],
            "affinity": {
                "podAntiAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": [
                        {
                            "topologyKey": "t",
                            "labelSelector": _SELECTOR,
                        }
                    ]
                }
            },
        },
    },
]


def _found() -> Iterator[Object]:
    yield from _PLAIN
    for pattern in MANIFESTS:
        for path in sorted(ROOT.glob(pattern)):
            yield from filter(None, yaml.safe_load_all(path.read_text()))
    for path in sorted((ROOT / "tests/apiserver/kinds/corpus").glob("*/*.yaml")):
        case = yaml.safe_load(path.read_text())
        yield from (obj for obj in (case.get("object"), case.get("old")) if isinstance(obj, dict))


def specimens() -> list[Object]:
    """Return up to `PER_KIND` valid objects of each kind and version, the largest first."""
    by_version: dict[tuple[str, str], list[Object]] = {}
    for obj in _found():
        try:
            accepted(obj, None, World())
        except (AssertionError, ApiError, StopIteration):
            continue
        by_version.setdefault((obj["apiVersion"], obj["kind"]), []).append(obj)
    largest = (sorted(found, key=lambda o: -len(str(o)))[:PER_KIND] for found in by_version.values())
    return [obj for found in largest for obj in found]


def uncovered() -> set[str]:
    """Return the kinds without a specimen."""
    return {kind.kind for kind in KINDS} - {kind_of(obj).kind for obj in specimens()}


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the path of every value in an object, the object itself left out."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from places(item, (*path, key))


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """Return a copy of `value` with `new` at `path`."""
    if not path:
        return new
    key, *rest = path
    inner = replaced(value[key], tuple(rest), new)
    if isinstance(value, dict):
        return {**value, key: inner}
    return [*value[:key], inner, *value[key + 1 :]]
