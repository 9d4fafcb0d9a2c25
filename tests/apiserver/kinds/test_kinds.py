"""House rules for every declared kind."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.apiserver.kinds.pipeline import accepted, stored, write
from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.kinds.core.namespace import NAMESPACE
from wherry.apiserver.parts import ComponentStatuses
from wherry.apiserver.usage.metrics import UsageMetrics
from wherry.objects import Object, names, resource
from wherry.objects.resource import Resource

INGRESS: Object = {
    "apiVersion": "networking.k8s.io/v1",
    "kind": "Ingress",
    "metadata": {"name": "web"},
    "spec": {
        "ingressClassName": "nginx",
        "defaultBackend": {"resource": {"kind": "Bucket", "name": "b"}},
        "rules": [
            {"host": "a.cn"},
            {
                "host": "b.cn",
                "http": {
                    "paths": [
                        {
                            "pathType": "Exact",
                            "path": "/",
                            "backend": {"service": {"name": "a", "port": {"number": 80}}},
                        },
                        {
                            "pathType": "Prefix",
                            "path": "/x",
                            "backend": {"service": {"name": "b", "port": {"name": "h"}}},
                        },
                    ]
                },
            },
        ],
    },
}


def test_no_name_stands_for_two_kinds() -> None:
    words = [w for k in KINDS for w in {k.plural, k.singular, *k.short_names}]
    assert [word for word, count in Counter(words).items() if count > 1] == []


def test_the_resources_our_components_use_are_served() -> None:
    stored = {k.resource for k in (*KINDS, *UsageMetrics.kinds, *ComponentStatuses.kinds)}
    assert {r for r in vars(resource).values() if isinstance(r, Resource)} - stored == {resource.SUBJECT_ACCESS_REVIEWS}


STORED = [kind for kind in KINDS if kind.kind != "CustomResourceDefinition"]
"""The kinds there can be objects of; a definition of a custom resource is always refused, and needs no schema."""


@pytest.mark.parametrize("kind", STORED, ids=lambda k: k.kind)
def test_a_kind_is_declared_whole(kind: Kind) -> None:
    assert kind.name_pattern in names.BY_PATTERN
    assert set(kind.conversions) <= set(kind.versions[1:])
    assert set(kind.deprecations) <= set(kind.versions[1:])
    assert all(kind.type_of(resource) for resource in kind.resources)
    assert all(column.priority in (0, 1) for column in kind.columns)


@pytest.mark.parametrize("kind", STORED, ids=lambda k: k.kind)
def test_an_empty_object_is_answered_with_errors_and_cells_not_with_a_crash(kind: Kind) -> None:
    """Whatever a client leaves out, hooks and columns cope: an object may also be printed that old rules let in."""
    empty = {"apiVersion": kind.resource.api_version, "kind": kind.kind, "metadata": {"name": "x"}}
    new, _ = write(empty)
    for obj in (new, {**empty, "metadata": {}}, {**empty, "spec": {}, "status": {}}):
        for column in kind.columns:
            assert isinstance(column.cell(obj), str | int)
        for read in kind.fields.values():
            assert isinstance(read(obj), str)


@pytest.mark.parametrize("version", ["networking.k8s.io/v1beta1", "extensions/v1beta1"])
def test_an_ingress_survives_the_way_through_an_old_version(version: str) -> None:
    new = stored(INGRESS)
    kind = next(k for k in KINDS if k.kind == "Ingress")
    group, _, short = version.rpartition("/")
    conversion = kind.conversions[group, short]
    beta = conversion.from_storage(new)
    assert beta["spec"]["rules"][1]["http"]["paths"][1]["backend"] == {"serviceName": "b", "servicePort": "h"}
    assert beta["spec"]["backend"] == {"resource": {"kind": "Bucket", "name": "b"}}
    assert conversion.to_storage(beta) == new


def test_a_namespace_waits_for_its_finalizer_and_says_that_it_ends() -> None:
    assert NAMESPACE.held is not None
    assert NAMESPACE.deleting is not None
    new = accepted({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "demo"}})
    assert NAMESPACE.held(new)
    ending = dict(new)
    NAMESPACE.deleting(ending)
    assert ending["status"]["phase"] == "Terminating"
    assert new["status"]["phase"] == "Active"
    assert not NAMESPACE.held({**new, "spec": {}})


def test_defaults_are_stable() -> None:
    """Sending back what the server answered changes nothing."""
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "demo"},
        "spec": {
            "hostNetwork": True,
            "containers": [{"name": "web", "image": "nginx", "ports": [{"containerPort": 80}]}],
            "volumes": [{"name": "x"}],
        },
    }
    first = accepted(pod)
    assert accepted(first, first) == first
