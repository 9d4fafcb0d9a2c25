"""From a request to a certificate, with an API server that trusts what comes of it."""

from __future__ import annotations

import asyncio
import base64
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization

from tests.apiserver.harness import Cluster
from tests.controllers.requests import NODE, csr, decided, key, request
from wherry.client.http import HttpClient
from wherry.client.kubeconfig import Config
from wherry.controllers import manager
from wherry.controllers.certificates.approver import CertificateApprover
from wherry.controllers.certificates.cleaner import CertificateCleaner
from wherry.controllers.certificates.signer import CertificateSigner
from wherry.controllers.config import ControllersConfig
from wherry.objects import Object
from wherry.objects.meaning import signing
from wherry.objects.resource import CERTIFICATE_SIGNING_REQUESTS as CSRS
from wherry.objects.resource import CLUSTER_ROLE_BINDINGS, NAMESPACES
from wherry.objects.timestamps import rfc3339

CONTROLLERS = (CertificateApprover, CertificateSigner, CertificateCleaner)
USAGES = ("client auth", "digital signature")


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with Cluster(tmp_path) as made:
        yield made


@pytest.fixture
async def signed(cluster: Cluster) -> AsyncIterator[Cluster]:
    """A cluster whose controllers have the authority the API server trusts, and nothing but the rights of theirs."""
    config = ControllersConfig(cluster.authority.pem.decode(), cluster.authority.key_pem.decode())
    client = cluster.server.client("system:kube-controller-manager", ["system:authenticated"])
    task = asyncio.create_task(manager.make(client, config, controllers=CONTROLLERS).run())
    try:
        yield cluster
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def end_of(cluster: Cluster, name: str = "one") -> Object:
    """Return a request with its certificate, or with what stands against it."""
    async with asyncio.timeout(20):
        async for event in cluster.client.watch(CSRS):
            found = event.object
            done = signing.certificate_of(found) or signing.FAILED in signing.conditions_of(found)
            if found["metadata"]["name"] == name and done:
                return found
    raise AssertionError("the watch has ended")


async def decide(cluster: Cluster, csr: Object, word: str) -> None:
    await cluster.client.update(CSRS, decided(csr, word, at=rfc3339(time.time())), subresource="approval")


def config_of(cluster: Cluster, found: Object) -> Config:
    """Return what somebody needs who has the certificate."""
    plain = serialization.NoEncryption()
    return Config(
        server=cluster.url,
        ca=cluster.authority.pem,
        client_certificate=base64.b64decode(found["status"]["certificate"]),
        client_key=key().private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, plain),
    )


async def test_what_is_approved_makes_a_client(signed: Cluster) -> None:
    subjects = [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "dev"}]
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "cluster-admin"}
    binding = {"metadata": {"name": "dev"}, "roleRef": reference, "subjects": subjects}
    await signed.client.create(CLUSTER_ROLE_BINDINGS, binding)
    made = await signed.client.create(CSRS, csr(request("jane", ["dev"]), expirationSeconds=3600))
    await decide(signed, made, signing.APPROVED)
    found = await end_of(signed)
    client = HttpClient(config_of(signed, found))
    try:
        assert await client.get(NAMESPACES, "default")
    finally:
        await client.close()


async def test_what_nobody_approves_or_somebody_denies_is_not_signed(signed: Cluster) -> None:
    await signed.client.create(CSRS, csr(request("jane")))
    denied = await signed.client.create(CSRS, csr(request("jane")) | {"metadata": {"name": "denied"}})
    await decide(signed, denied, signing.DENIED)
    other = await signed.client.create(CSRS, csr(request("jane"), "example.com/mine") | {"metadata": {"name": "other"}})
    await decide(signed, other, signing.APPROVED)
    late = await signed.client.create(CSRS, csr(request("jane")) | {"metadata": {"name": "late"}})
    await decide(signed, late, signing.APPROVED)
    await end_of(signed, "late")
    for name in ("one", "denied", "other"):
        assert not signing.certificate_of(await signed.client.get(CSRS, name))


async def test_a_request_its_signer_does_not_take_fails_and_says_why(signed: Cluster) -> None:
    made = await signed.client.create(CSRS, csr(request("jane"), usages=["server auth"]))
    await decide(signed, made, signing.APPROVED)
    found = await end_of(signed)
    condition = signing.conditions_of(found)[signing.FAILED]
    assert condition["reason"] == "SignerValidationFailure"
    assert condition["message"] == "invalid usage for client certificate: server auth"


async def test_a_node_that_may_gets_its_certificate_by_itself(signed: Cluster) -> None:
    """As kubeadm sets it up: nodes renew their own, bootstrappers get one for any node."""
    for group, role in (("system:nodes", "selfnodeclient"), ("system:bootstrappers", "nodeclient")):
        binding = {
            "metadata": {"name": role},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "ClusterRole",
                "name": f"system:certificates.k8s.io:certificatesigningrequests:{role}",
            },
            "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": group}],
        }
        await signed.client.create(CLUSTER_ROLE_BINDINGS, binding)
    bootstrap = {
        "metadata": {"name": "bootstrap"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "system:node-bootstrapper"},
        "subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "Group", "name": "system:bootstrappers"}],
    }
    await signed.client.create(CLUSTER_ROLE_BINDINGS, bootstrap)
    asked = csr(request(NODE, ["system:nodes"]), signing.KUBELET_CLIENT, USAGES)
    for name, user, group in (("new", "system:bootstrap:abc", "system:bootstrappers"), ("own", NODE, "system:nodes")):
        client = signed.server.client(user, [group])
        await client.create(CSRS, asked | {"metadata": {"name": name}})
        found = await end_of(signed, name)
        assert signing.conditions_of(found)[signing.APPROVED]["reason"] == "AutoApproved"
    foreign = signed.server.client("system:node:n2", ["system:nodes"])
    await foreign.create(CSRS, asked | {"metadata": {"name": "foreign"}})
    await signed.server.client(NODE, ["system:nodes"]).create(CSRS, asked | {"metadata": {"name": "last"}})
    await end_of(signed, "last")
    assert not signing.is_decided(await signed.client.get(CSRS, "foreign"))
