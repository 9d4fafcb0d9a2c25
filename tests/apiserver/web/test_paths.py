"""What URL paths name, and what `Accept` headers ask for."""

from __future__ import annotations

import pytest

from wherry.apiserver.api.api import Target
from wherry.apiserver.catalog import Catalog
from wherry.apiserver.kinds import KINDS
from wherry.apiserver.web import media, paths
from wherry.apiserver.web.media import Form
from wherry.objects.errors import ApiError, NotAcceptable, NotFound
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, NODES, PODS, SERVICES, Resource

REVIEW = Resource("authorization.k8s.io", "v1", "subjectaccessreviews", "SubjectAccessReview", False)
KNOWN = {(r.group, r.version, r.plural): r for r in (REVIEW, *(s.resource for s in Catalog(KINDS)))}


def find(*names: str) -> Resource | None:
    return KNOWN.get(names)


TARGETS = [
    ("/api/v1/pods", Target(PODS)),
    ("/api/v1/pods/", Target(PODS)),
    ("/api/v1/namespaces/demo/pods", Target(PODS, "demo")),
    ("/api/v1/namespaces/demo/pods/a", Target(PODS, "demo", "a")),
    ("/api/v1/namespaces/demo/pods/a/log", Target(PODS, "demo", "a", "log")),
    ("/apis/apps/v1/namespaces/demo/deployments/a/scale", Target(DEPLOYMENTS, "demo", "a", "scale")),
    ("/api/v1/nodes/n", Target(NODES, None, "n")),
    ("/api/v1/nodes/n/status", Target(NODES, None, "n", "status")),
    ("/api/v1/namespaces", Target(NAMESPACES)),
    ("/api/v1/namespaces/demo", Target(NAMESPACES, None, "demo")),
    ("/api/v1/namespaces/demo/status", Target(NAMESPACES, None, "demo", "status")),
    ("/api/v1/namespaces/demo/finalize", Target(NAMESPACES, None, "demo", "finalize")),
    ("/api/v1/namespaces/status/configmaps", Target(CONFIG_MAPS, "status")),
    ("/apis/authorization.k8s.io/v1/subjectaccessreviews", Target(REVIEW)),
    ("/api/v1/namespaces/demo/pods/a/proxy", Target(PODS, "demo", "a", "proxy")),
    ("/api/v1/namespaces/demo/pods/a/proxy/", Target(PODS, "demo", "a", "proxy", "/")),
    ("/api/v1/namespaces/demo/pods/a/proxy//x%2Fy/", Target(PODS, "demo", "a", "proxy", "//x%2Fy/")),
    ("/api/v1/namespaces/demo/pods/proxy/proxy/proxy/x", Target(PODS, "demo", "proxy", "proxy", "/proxy/x")),
    ("/api/v1/namespaces/proxy/pods/a", Target(PODS, "proxy", "a")),
    ("/api/v1/namespaces/demo/services/https%3Aa:443/proxy/x", Target(SERVICES, "demo", "https:a:443", "proxy", "/x")),
    ("/api/v1/nodes/n:10250/proxy/logs/", Target(NODES, None, "n:10250", "proxy", "/logs/")),
    ("/api/v1", None),
    ("/apis/apps/v1", None),
    ("/apis/apps/v1/", None),
]


@pytest.mark.parametrize(("path", "expected"), TARGETS)
def test_a_path_names(path: str, expected: Target | None) -> None:
    assert paths.target(path, find) == expected


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("/api/v1/things", NotFound),
        ("/api/v2/pods", NotFound),
        ("/api/v1/pods/a", NotFound),
        ("/api/v1/namespaces/demo/nodes", NotFound),
        ("/api/v1/namespaces/demo/pods/a/log/more", NotFound),
        ("/api/v1/namespaces/demo/pods//log", NotFound),
        ("/api/v1/namespaces//pods", NotFound),
        ("/apis/apps/v1/namespaces/demo/deployments/a/proxy/x", NotFound),
    ],
)
def test_a_path_names_nothing(path: str, error: type[ApiError]) -> None:
    with pytest.raises(error):
        paths.target(path, find)


TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", Form()),
        ("*/*", Form()),
        ("application/json", Form()),
        ("application/json;stream=watch", Form()),
        ("application/vnd.kubernetes.protobuf,application/json", Form()),
        ("application/yaml", Form(media.YAML)),
        ("application/json;q=0.5, application/yaml", Form(media.YAML)),
        (f"{TABLE},application/json", Form(shape="table")),
        ("application/json;as=Table;v=v9;g=meta.k8s.io,application/json", Form()),
        ("application/json;as=Table;g=meta.k8s.io;v=v1beta1", Form(shape="table", version="v1beta1")),
        ("application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json", Form()),
        ("application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1", Form(shape="metadata")),
    ],
)
def test_a_client_gets_the_first_form_we_can_write(accept: str, expected: Form) -> None:
    assert media.form(accept, "Metadata") == expected


def test_what_has_no_rows_comes_as_it_is_or_not_at_all() -> None:
    """Conformance: "should return a 406 for a backend which does not implement metadata"."""
    assert media.form(f"{TABLE},application/json", "Metadata", False) == Form()
    with pytest.raises(NotAcceptable):
        media.form(TABLE, "Metadata", False)


def test_a_client_that_takes_nothing_we_write_is_told() -> None:
    with pytest.raises(NotAcceptable):
        media.form("application/vnd.kubernetes.protobuf", "Metadata")
