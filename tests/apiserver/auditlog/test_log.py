"""What the audit log tells of real requests."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from wherry.apiserver.auditlog import event
from wherry.objects import Object
from wherry.objects.resource import NAMESPACES

POLICY = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, users: ["system:unseen"]}
- {level: Metadata, resources: [{group: "", resources: [secrets]}]}
- {level: RequestResponse, omitManagedFields: true, resources: [{group: "", resources: [configmaps]}]}
- {level: Request, namespaces: [demo], omitStages: []}
- {level: Metadata, nonResourceURLs: ["/version"]}
"""
CONFIG_MAPS = "/api/v1/namespaces/demo/configmaps"


class Audit:
    """The events in a file."""

    def __init__(self, path: Path):
        self.path = path

    def events(self, **wanted: Any) -> list[Object]:
        found = [json.loads(line) for line in self.path.read_text().splitlines()]
        return [one for one in found if all(one.get(key) == value for key, value in wanted.items())]

    def about(self, resource: str) -> list[Object]:
        return [one for one in self.events() if one.get("objectRef", {}).get("resource") == resource]


@pytest.fixture
async def audit(tmp_path: Path) -> Audit:
    return Audit(tmp_path / "audit.log")


@pytest.fixture
async def audited(tmp_path: Path, audit: Audit) -> AsyncIterator[Cluster]:
    (tmp_path / "policy.yaml").write_text(POLICY)
    async with Cluster(tmp_path, audit_policy=tmp_path / "policy.yaml", audit_log=audit.path) as cluster:
        await cluster.client.create(NAMESPACES, {"metadata": {"name": "demo"}})
        yield cluster


async def test_a_write_is_told_with_what_was_asked_and_answered(audited: Cluster, audit: Audit) -> None:
    body = {"metadata": {"name": "a"}, "data": {"k": "v"}}
    status, headers, _ = await audited.request("POST", f"{CONFIG_MAPS}?pretty=false", body, Audit_ID="my-id")
    assert (status, headers["audit-id"]) == (201, "my-id")
    [told] = audit.events(auditID="my-id")
    assert told["apiVersion"] == "audit.k8s.io/v1"
    assert (told["level"], told["stage"], told["verb"]) == ("RequestResponse", "ResponseComplete", "create")
    assert told["requestURI"] == f"{CONFIG_MAPS}?pretty=false"
    assert told["user"] == {"username": "kubernetes-admin", "groups": ["system:masters", "system:authenticated"]}
    assert told["sourceIPs"] == ["127.0.0.1"]
    assert told["objectRef"] == {"resource": "configmaps", "namespace": "demo", "name": "a", "apiVersion": "v1"}
    assert told["responseStatus"] == {"metadata": {}, "code": 201}
    assert told["requestObject"]["data"] == {"k": "v"}
    assert told["responseObject"]["metadata"]["uid"]
    assert "managedFields" not in told["responseObject"]["metadata"]
    assert told["annotations"]["authorization.k8s.io/decision"] == "allow"
    assert told["requestReceivedTimestamp"] <= told["stageTimestamp"]


async def test_a_secrets_content_is_never_told_at_the_level_of_metadata(audited: Cluster, audit: Audit) -> None:
    body = {"metadata": {"name": "s"}, "stringData": {"password": "hunter2"}}
    path = "/api/v1/namespaces/demo/secrets"
    await audited.request("POST", path, body)
    await audited.request("GET", f"{path}/s")
    await audited.request(
        "PATCH", f"{path}/s", {"stringData": {"p": "hunter2"}}, Content_Type="application/merge-patch+json"
    )
    await audited.request("DELETE", f"{path}/s")
    told = audit.about("secrets")
    assert [one["verb"] for one in told] == ["create", "get", "patch", "delete"]
    assert [one["objectRef"]["name"] for one in told] == ["s"] * 4
    assert "hunter2" not in audit.path.read_text()
    assert "aHVudGVyMg" not in audit.path.read_text()


async def test_refusals_say_why_and_to_whom(audited: Cluster, audit: Audit) -> None:
    audited.issue("joe", "joe", "dev")
    await audited.request("GET", f"{CONFIG_MAPS}/a", user="joe")
    [told] = audit.about("configmaps")
    assert told["user"]["username"] == "joe"
    assert told["responseStatus"]["code"] == 403
    assert told["responseStatus"]["reason"] == "Forbidden"
    assert 'User "joe" cannot get resource "configmaps"' in told["responseStatus"]["message"]
    assert told["annotations"] == {"authorization.k8s.io/decision": "forbid"}
    await audited.request("GET", f"{CONFIG_MAPS}/a", user="", Authorization="Bearer nonsense")
    assert (audit.about("configmaps")[1]["user"], audit.about("configmaps")[1]["responseStatus"]["code"]) == (
        {},
        401,
    )


async def test_an_impersonation_tells_both(audited: Cluster, audit: Audit) -> None:
    await audited.request("GET", f"{CONFIG_MAPS}/a", Impersonate_User="joe")
    [told] = audit.about("configmaps")
    assert told["user"]["username"] == "kubernetes-admin"
    assert told["impersonatedUser"]["username"] == "joe"


async def test_stages_come_in_order_and_a_watch_has_begun_before_it_ends(audited: Cluster, audit: Audit) -> None:
    path = "/api/v1/namespaces/demo/pods"
    await audited.request("GET", path)
    assert [one["stage"] for one in audit.about("pods")] == ["ResponseComplete"]
    await audited.request("GET", f"{path}?watch=1&timeoutSeconds=1")
    assert [(one["verb"], one["stage"]) for one in audit.about("pods")[1:]] == [
        ("watch", "ResponseStarted"),
        ("watch", "ResponseComplete"),
    ]


async def test_only_what_the_policy_wants_is_told(audited: Cluster, audit: Audit) -> None:
    audited.issue("unseen", "system:unseen", "system:masters")
    await audited.request("GET", f"{CONFIG_MAPS}/a", user="unseen")
    await audited.request("GET", "/livez")
    await audited.request("GET", "/version")
    assert [one["requestURI"] for one in audit.events()] == ["/version"]
    assert "objectRef" not in audit.events()[0]


async def test_the_id_a_client_makes_up_must_be_one(audited: Cluster, audit: Audit) -> None:
    await audited.request("GET", "/version", Audit_ID="a b")
    assert audit.events()[0]["auditID"] != "a b"


async def test_kubectl_works_as_ever(audited: Cluster, audit: Audit) -> None:
    code, _, err = await audited.kubectl("create", "configmap", "b", "-n", "demo", "--from-literal=a=b")
    assert code == 0, err
    [told] = [one for one in audit.about("configmaps") if one["verb"] == "create"]
    assert told["userAgent"].startswith("kubectl")
    assert told["requestObject"]["data"] == {"a": "b"}  # it came as protobuf


def test_what_is_too_large_goes_without_its_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(event, "LARGEST", 100)
    told = json.loads(event.encoded({"auditID": "x", "requestObject": {"a": "b" * 200}, "annotations": {"c": "d"}}))
    assert told == {"auditID": "x", "annotations": {"c": "d", "audit.k8s.io/truncated": "true"}}
