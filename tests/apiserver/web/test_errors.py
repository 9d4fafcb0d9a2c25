"""Every error that leaves the server is a Status as a real server's, details included."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map, deployment, node, pod, service
from wherry.objects import errors
from wherry.objects.errors import ApiError
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, ENDPOINTS, NODES, PODS, SERVICES

TOP = Path(__file__).resolve().parents[3] / "wherry"
MAPS, DEPLOYS = "/api/v1/namespaces/demo/configmaps", "/apis/apps/v1/namespaces/demo/deployments"
MERGE = "application/merge-patch+json"
TABLE = "application/json;as=Table;v=v1;g=meta.k8s.io"
REVIEW = {"spec": {"resourceAttributes": {"verb": "get", "resource": "pods"}}}
Details = dict[str, Any] | None

CASES: list[tuple[str, str, str, Any, dict[str, str], int, str, Details]] = [
    # who asks, method, path, body, headers -> code, reason, details
    ("admin", "GET", f"{MAPS}/no", None, {}, 404, "NotFound", {"name": "no", "kind": "configmaps"}),
    (
        "admin", "GET", f"{DEPLOYS}/no", None, {},
        404, "NotFound", {"name": "no", "group": "apps", "kind": "deployments"},
    ),
    ("admin", "DELETE", f"{MAPS}/no", None, {}, 404, "NotFound", {"name": "no", "kind": "configmaps"}),
    ("admin", "GET", "/api/v1/nodes/no/proxy/x", None, {}, 404, "NotFound", {"name": "no", "kind": "nodes"}),
    ("admin", "GET", "/api/v1/namespaces/demo/pods/no/log", None, {}, 404, "NotFound", {"name": "no", "kind": "pods"}),
    ("admin", "GET", "/api/v1/namespaces/demo/pods/p/nosuch", None, {}, 404, "NotFound", {}),
    ("admin", "GET", "/api/v1/nosuch", None, {}, 404, "NotFound", {}),
    ("admin", "GET", "/nosuch", None, {}, 404, "NotFound", {}),
    ("admin", "POST", MAPS, config_map("a"), {}, 409, "AlreadyExists", {"name": "a", "kind": "configmaps"}),
    (
        "admin", "PUT", f"{MAPS}/a", {"metadata": {"name": "a", "resourceVersion": "1"}}, {},
        409, "Conflict", {"name": "a", "kind": "configmaps"},
    ),
    (
        "admin", "DELETE", f"{MAPS}/a", {"preconditions": {"uid": "other"}}, {},
        409, "Conflict", {"name": "a", "kind": "configmaps"},
    ),
    (
        "admin", "POST", DEPLOYS, deployment("UPPER"), {},
        422, "Invalid", {"name": "UPPER", "group": "apps", "kind": "Deployment", "causes": [...]},
    ),
    (
        "admin", "PATCH", f"{MAPS}/a", [{"op": "test", "path": "/x", "value": 1}],
        {"Content_Type": "application/json-patch+json"}, 422, "Invalid", {},
    ),
    ("admin", "PATCH", MAPS, {}, {"Content_Type": MERGE}, 405, "MethodNotAllowed", {"kind": "configmaps"}),
    ("admin", "POST", f"{MAPS}/a", {}, {}, 405, "MethodNotAllowed", {"kind": "configmaps"}),
    (
        "admin", "DELETE", f"{DEPLOYS}/d/scale", None, {},
        405, "MethodNotAllowed", {"group": "apps", "kind": "deployments/scale"},
    ),
    ("admin", "DELETE", "/api/v1/namespaces/demo/pods/p/log", None, {}, 405, "MethodNotAllowed", {"kind": "pods/log"}),
    ("jane", "GET", f"{MAPS}/a", None, {}, 403, "Forbidden", {"name": "a", "kind": "configmaps"}),
    ("jane", "GET", DEPLOYS, None, {}, 403, "Forbidden", {"group": "apps", "kind": "deployments"}),
    ("jane", "GET", "/metrics", None, {}, 403, "Forbidden", {}),
    ("", "GET", "/metrics", None, {}, 403, "Forbidden", {}),
    (
        "admin", "POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", {"metadata": {"name": "x.y"}}, {},
        422, "Invalid", {"name": "x.y", "group": "apiextensions.k8s.io", "kind": "CustomResourceDefinition",
         "causes": [...]},
    ),
    (
        "admin", "POST", "/api/v1/namespaces/demo/pods", pod("q", priorityClassName="no"), {},
        403, "Forbidden", {"name": "q", "kind": "pods"},
    ),
    ("", "GET", MAPS, None, {"Authorization": "Bearer x.y.z"}, 401, "Unauthorized", None),
    ("admin", "POST", MAPS, b"{", {}, 400, "BadRequest", None),
    ("admin", "GET", f"{MAPS}?limit=x", None, {}, 400, "BadRequest", None),
    ("admin", "GET", f"{MAPS}?labelSelector=a=(", None, {}, 400, "BadRequest", None),
    ("admin", "GET", "/api/v1/namespaces/demo/pods/p/exec?command=x", None, {}, 400, "BadRequest", None),
    ("admin", "GET", MAPS, None, {"Accept": "text/html"}, 406, "NotAcceptable", None),
    (
        "admin", "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", REVIEW, {"Accept": TABLE},
        406, "NotAcceptable", None,
    ),
    ("admin", "GET", f"{DEPLOYS}/d/scale", None, {"Accept": TABLE}, 406, "NotAcceptable", None),
    ("admin", "POST", MAPS, b"x", {"Content_Type": "text/csv"}, 415, "UnsupportedMediaType", None),
    ("admin", "POST", MAPS, b" " * (4 << 20), {}, 413, "RequestEntityTooLarge", None),
    (
        "admin", "GET", f"{MAPS}?resourceVersion=99999&resourceVersionMatch=NotOlderThan", None, {},
        504, "Timeout", {"causes": [...], "retryAfterSeconds": 1},
    ),
    ("admin", "GET", "/api/v1/namespaces/demo/services/s/proxy/x", None, {}, 503, "ServiceUnavailable", None),
    ("admin", "GET", "/api/v1/namespaces/demo/pods/p/log", None, {}, 500, "InternalError", {"causes": [...]}),
]  # fmt: skip


@pytest.fixture
async def furnished(cluster: Cluster, monkeypatch: pytest.MonkeyPatch) -> Cluster:
    """Map `a`, deployment `d`, pod `p` on a node that is away, service `s` without endpoints; jane has no rights."""
    monkeypatch.setattr("wherry.apiserver.registry.versions.PATIENCE_SECONDS", 0.01)
    cluster.issue("jane", "jane")
    await cluster.client.create(CONFIG_MAPS, config_map("a"), "demo")
    await cluster.client.create(DEPLOYMENTS, deployment("d"), "demo")
    await cluster.client.create(NODES, node("n", port=1))
    await cluster.client.create(PODS, pod("p", nodeName="n"), "demo")
    await cluster.client.create(SERVICES, service("s"), "demo")
    await cluster.client.create(ENDPOINTS, {"metadata": {"name": "s"}}, "demo")
    return cluster


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(map(str, case[:3])))
async def test_a_bad_request_is_answered_with_a_status_as_upstream(furnished: Cluster, case: tuple[Any, ...]) -> None:
    user, method, path, body, headers, code, reason, details = case
    status, got_headers, answer = await furnished.request(method, path, body, user=user, **headers)
    assert (status, answer["code"], answer["reason"]) == (code, code, reason)
    assert (answer["kind"], answer["apiVersion"], answer["status"]) == ("Status", "v1", "Failure")
    assert answer["message"]
    assert without_texts(answer.get("details")) == details
    if seconds := (details or {}).get("retryAfterSeconds"):
        assert got_headers["retry-after"] == str(seconds)


def without_texts(details: Details) -> Details:
    """Return details with `...` for the causes, each of which says something."""
    if not details or "causes" not in details:
        return details
    assert all(cause["message"] for cause in details["causes"])
    return {**details, "causes": [...]}


BUILT = {
    errors.NotFound.of("pods", "a"): {"name": "a", "kind": "pods"},
    errors.AlreadyExists.of("deployments", "a", "apps"): {"name": "a", "group": "apps", "kind": "deployments"},
    errors.Conflict.of("pods", "a", "why"): {"name": "a", "kind": "pods"},
    errors.Forbidden.of("pods", "a", "why"): {"name": "a", "kind": "pods"},
    errors.Forbidden.of("pods", "", "why"): {"kind": "pods"},
    errors.Forbidden.of("", "", "why"): {},
    errors.MethodNotAllowed.of("pods/log", "delete"): {"kind": "pods/log"},
    errors.InternalError.of("why"): {"causes": [{"message": "why"}]},
    errors.Invalid.of("Pod", "a", [errors.FieldError("FieldValueRequired", "x", "Required value")]): {
        "name": "a",
        "kind": "Pod",
        "causes": [{"reason": "FieldValueRequired", "message": "Required value", "field": "x"}],
    },
}


@pytest.mark.parametrize("error", BUILT, ids=lambda error: type(error).__name__)
def test_an_error_has_the_details_of_upstreams_constructor(error: ApiError) -> None:
    assert error.status()["details"] == BUILT[error]


@pytest.mark.parametrize("cls", ApiError.codes.values(), ids=lambda cls: cls.__name__)
def test_an_error_that_always_has_details_has_them_even_if_nobody_gave_any(cls: type[ApiError]) -> None:
    """kubectl debug reads a NotFound's without looking whether they came, and panics."""
    assert ("details" in cls("why").status()) is cls.detailed


FREE = {
    "bodies.py": {"Timeout"},  # a body that does not come has nothing to say
    "catalog.py": {"NotFound"},  # a path that names nothing has no resource
    "patch.py": {"Invalid"},  # upstream says no more of a patch that does not apply
    "strategic.py": {"Invalid"},
    "unserved.py": {"NotFound"},  # with details of its own
    "versions.py": {"Timeout"},  # with details of its own
}
"""What may be made without `of`, by file."""


def test_the_server_makes_every_detailed_error_with_its_details() -> None:
    detailed = {cls.__name__ for cls in ApiError.codes.values() if cls.detailed}
    bare = []
    for path in [*(TOP / "apiserver").rglob("*.py"), *(TOP / "objects").rglob("*.py")]:
        for call in ast.walk(ast.parse(path.read_text())):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in detailed:
                bare += [f"{path.relative_to(TOP)}: {call.func.id}"] * (call.func.id not in FREE.get(path.name, ()))
    assert not bare
