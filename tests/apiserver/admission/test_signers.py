"""CertificateSigningRequests: who asks, who may approve, who may sign, and what nobody can take back."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.controllers.requests import csr, request
from wherry.client.interface import Client
from wherry.objects import Object
from wherry.objects.errors import Forbidden, Invalid
from wherry.objects.resource import CERTIFICATE_SIGNING_REQUESTS as CSRS
from wherry.objects.resource import CLUSTER_ROLE_BINDINGS, CLUSTER_ROLES

MINE = "example.com/mine"


async def made(cluster: Cluster, signer: str = MINE) -> Object:
    return await cluster.client.create(CSRS, csr(request("jane"), signer))


async def may(cluster: Cluster, verb: str, name: str) -> Client:
    """Return a client of somebody who may update requests, and do something for a signer."""
    group = CSRS.group
    rules = [
        {"apiGroups": [group], "resources": [f"{CSRS.plural}/approval", f"{CSRS.plural}/status"], "verbs": ["update"]},
        {"apiGroups": [group], "resources": ["signers"], "resourceNames": [name], "verbs": [verb]},
    ]
    reference = {"apiGroup": CLUSTER_ROLES.group, "kind": "ClusterRole", "name": "judge"}
    await cluster.client.create(CLUSTER_ROLES, {"metadata": {"name": "judge"}, "rules": rules})
    subjects = [{"apiGroup": CLUSTER_ROLES.group, "kind": "User", "name": "judge"}]
    binding = {"metadata": {"name": "judge"}, "roleRef": reference, "subjects": subjects}
    await cluster.client.create(CLUSTER_ROLE_BINDINGS, binding)
    return cluster.server.client("judge", ["dev"])


def with_(obj: Object, *words: str, **status: Any) -> Object:
    conditions = [{"type": word, "status": "True", "reason": "Test"} for word in words]
    return {**obj, "status": {**obj["status"], "conditions": conditions, **status}}


async def test_who_asks_is_written_down_and_cannot_be_made_up(cluster: Cluster) -> None:
    client = cluster.server.client("jane", ["system:masters", "dev"])
    asked = csr(request("jane"), MINE, username="root", groups=["wheel"], uid="0", extra={"a": ["b"]})
    found = await client.create(CSRS, asked | {"status": {"certificate": "bm8="}})
    assert found["spec"]["username"] == "jane"
    assert found["spec"]["groups"] == ["system:masters", "dev", "system:authenticated"]
    assert not found["spec"].keys() & {"uid", "extra"}
    assert found["status"] == {}
    changed = await client.update(CSRS, found | {"spec": {**found["spec"], "username": "root"}})
    assert changed["spec"] == found["spec"]
    with pytest.raises(Invalid, match=r"spec: Invalid value: .*: field is immutable"):
        await client.update(CSRS, found | {"spec": {**found["spec"], "usages": ["any"]}})


async def test_who_approves_must_be_allowed_to_for_the_signer(cluster: Cluster) -> None:
    found = await made(cluster)
    judge = await may(cluster, "approve", MINE)
    other = await cluster.client.create(
        CSRS, csr(request("jane"), "example.com/other") | {"metadata": {"name": "other"}}
    )
    with pytest.raises(Forbidden) as refusal:
        await judge.update(CSRS, with_(other, "Approved"), subresource="approval")
    assert refusal.value.message == (
        'certificatesigningrequests.certificates.k8s.io "other" is forbidden: user not permitted to approve requests '
        'with signerName "example.com/other"'
    )
    approved = await judge.update(CSRS, with_(found, "Approved", certificate="bm8="), subresource="approval")
    (condition,) = approved["status"].pop("conditions")
    assert approved["status"] == {}  # what is issued is not the approver's to say
    assert (condition["type"], condition["reason"]) == ("Approved", "Test")
    assert condition["lastUpdateTime"] == condition["lastTransitionTime"]


async def test_who_may_for_a_domain_may_for_its_signers(cluster: Cluster) -> None:
    found = await made(cluster)
    judge = await may(cluster, "approve", "example.com/*")
    assert await judge.update(CSRS, with_(found, "Denied"), subresource="approval")


async def test_who_signs_must_be_allowed_to_for_the_signer(cluster: Cluster) -> None:
    found = await made(cluster)
    judge = await may(cluster, "approve", MINE)
    with pytest.raises(Forbidden, match=r'not permitted to sign requests with signerName "example.com/mine"'):
        await judge.update(CSRS, with_(found, "Failed"), subresource="status")
    assert await judge.update(CSRS, found, subresource="status") == found  # which changes nothing


async def test_decisions_are_made_by_approval_once_and_for_all(cluster: Cluster) -> None:
    client, found = cluster.client, await made(cluster)
    with pytest.raises(
        Invalid, match=r'status.conditions: Forbidden: updates may not add a condition of type "Approved"'
    ):
        await client.update(CSRS, with_(found, "Approved"), subresource="status")
    with pytest.raises(Invalid, match="Approved and Denied conditions are mutually exclusive"):
        await client.update(CSRS, with_(found, "Approved", "Denied"), subresource="approval")
    with pytest.raises(Invalid, match='Duplicate value: "Approved"'):
        await client.update(CSRS, with_(found, "Approved", "Approved"), subresource="approval")
    no = with_(found, "Denied")
    no["status"]["conditions"][0]["status"] = "False"
    with pytest.raises(Invalid, match='status: Unsupported value: "False": supported values: "True"'):
        await client.update(CSRS, no, subresource="approval")
    approved = await client.update(CSRS, with_(found, "Approved"), subresource="approval")
    with pytest.raises(Invalid, match='updates may not remove a condition of type "Approved"'):
        await client.update(CSRS, with_(approved, "Denied"), subresource="approval")
    changed = with_(approved, "Approved", "Seen")
    changed["status"]["conditions"][0]["reason"] = "Another"
    seen = await client.update(CSRS, changed, subresource="status")
    assert [(c["type"], c["reason"]) for c in seen["status"]["conditions"]] == [("Approved", "Test"), ("Seen", "Test")]
    kept = await client.update(CSRS, {**seen, "status": {}})
    assert kept["status"] == seen["status"]


async def test_what_is_issued_is_certificates_and_stays(cluster: Cluster) -> None:
    client, found = cluster.client, await made(cluster)
    pem, key = cluster.authority.issue("jane")
    path = "status.certificate: Invalid value: .*"
    for nonsense, why in (
        (b"nothing", "at least one CERTIFICATE PEM block"),
        (key, "only CERTIFICATE PEM blocks are allowed, found 'PRIVATE KEY'"),
        (pem.replace(b"-----\nM", b"-----\nA: b\n\nM", 1), "no PEM block headers are permitted"),
        (pem[:60] + b"\n-----END CERTIFICATE-----\n", "CERTIFICATE PEM block 0: "),
    ):
        with pytest.raises(Invalid, match=path + why):
            await client.update(CSRS, with_(found, certificate=encoded(nonsense)), subresource="status")
    issued = await client.update(CSRS, with_(found, certificate=encoded(b"# jane\n" + pem)), subresource="status")
    for other, what in ((encoded(pem), "modify existing"), (None, "remove")):
        with pytest.raises(Invalid, match=f"status.certificate: Forbidden: updates may not {what} certificate content"):
            await client.update(CSRS, with_(issued, certificate=other), subresource="status")


async def test_nobody_becomes_a_master_by_asking(cluster: Cluster) -> None:
    with pytest.raises(Forbidden) as refusal:
        await cluster.client.create(CSRS, csr(request("jane", ["system:masters"])))
    assert refusal.value.message.endswith(
        "use of kubernetes.io/kube-apiserver-client signer with system:masters group is not allowed"
    )
    assert await cluster.client.create(CSRS, csr(request("jane", ["system:masters"]), MINE))


def encoded(pem: bytes) -> str:
    return base64.b64encode(pem).decode()
