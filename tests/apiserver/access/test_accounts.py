"""Service account tokens: for an audience, for a time, and only while what they are bound to exists."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import binding, node, pod
from wherry.apiserver.access.accounts import Accounts
from wherry.apiserver.access.jwt import BadToken, Signer
from wherry.objects import Object
from wherry.objects.errors import BadRequest, Conflict, Invalid, NotFound
from wherry.objects.resource import NODES, PODS, SERVICE_ACCOUNTS


class Clock:
    now = 1_000_000.0

    def __call__(self) -> float:
        return self.now


def accounts(cluster: Cluster, clock: Clock) -> Accounts:
    registry = cluster.server.api.registry
    signer = Signer(cluster.config.service_account_key)
    return Accounts(signer, "https://issuer", registry.state, clock)


async def token(cluster: Cluster, account: str = "default", **spec: Any) -> Object:
    request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": spec}
    return await cluster.client.create(SERVICE_ACCOUNTS, request, "demo", name=account, subresource="token")


async def test_a_token_is_good_for_its_audience_and_its_time(cluster: Cluster) -> None:
    clock = Clock()
    issuer = accounts(cluster, clock)
    account = await cluster.client.get(SERVICE_ACCOUNTS, "default", "demo")
    issued = issuer.issue(account, ["db"], 600, None, "")
    grant = issuer.check(issued, ["db", "other"])
    assert grant.audiences == ("db",)
    assert grant.user.name == "system:serviceaccount:demo:default"
    assert grant.user.groups == ("system:serviceaccounts", "system:serviceaccounts:demo", "system:authenticated")
    assert grant.user.uid == account["metadata"]["uid"]
    with pytest.raises(BadToken, match="audiences"):
        issuer.check(issued)
    clock.now += 599
    issuer.check(issued, ["db"])
    clock.now += 1
    with pytest.raises(BadToken, match="expired"):
        issuer.check(issued, ["db"])


async def test_a_token_dies_with_its_account_even_if_the_name_comes_back(cluster: Cluster) -> None:
    api_accounts = accounts(cluster, Clock())
    account = await cluster.client.get(SERVICE_ACCOUNTS, "default", "demo")
    issued = api_accounts.issue(account, [], 600, None, "")
    api_accounts.check(issued)
    await cluster.client.delete(SERVICE_ACCOUNTS, "default", "demo")
    await cluster.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "default"}}, "demo")
    with pytest.raises(BadToken, match="service account of this token does not exist any more"):
        api_accounts.check(issued)


async def test_a_pods_token_dies_with_the_pod_and_says_where_it_ran(cluster: Cluster) -> None:
    await cluster.client.create(NODES, node("n1"))
    await cluster.client.create(PODS, pod("a"), "demo")
    await cluster.client.create(PODS, binding("a", "n1"), "demo", name="a", subresource="binding")
    answer = await token(cluster, boundObjectRef={"apiVersion": "v1", "kind": "Pod", "name": "a"})
    checker = cluster.server.api.reviews
    review = next(r for resource, r in checker.items() if resource.kind == "TokenReview")

    def status() -> Object:
        body = {"kind": "TokenReview", "spec": {"token": answer["status"]["token"]}}
        found: Object = review.answer(None, body, "")["status"]  # type: ignore[arg-type]
        return found

    extra = status()["user"]["extra"]
    assert extra["authentication.kubernetes.io/pod-name"] == ["a"]
    assert extra["authentication.kubernetes.io/node-name"] == ["n1"]
    await cluster.client.delete(PODS, "a", "demo", grace_period_seconds=0)
    assert status()["authenticated"] is False


async def test_a_token_request_is_answered_with_what_was_granted(cluster: Cluster) -> None:
    answer = await token(cluster)
    assert answer["spec"]["audiences"] == ["https://kubernetes.default.svc.cluster.local"]
    assert answer["spec"]["expirationSeconds"] == 3600
    assert answer["status"]["expirationTimestamp"]
    assert answer["metadata"] == {"name": "default", "namespace": "demo"}


async def test_a_token_request_that_makes_no_sense_is_refused(cluster: Cluster) -> None:
    with pytest.raises(Invalid, match=r"expirationSeconds: Invalid value: 5: may not specify a duration less than 10"):
        await token(cluster, expirationSeconds=5)
    with pytest.raises(NotFound, match='serviceaccounts "missing" not found'):
        await token(cluster, "missing")
    with pytest.raises(NotFound, match='pods "a" not found'):
        await token(cluster, boundObjectRef={"apiVersion": "v1", "kind": "Pod", "name": "a"})
    with pytest.raises(BadRequest, match="cannot bind token"):
        await token(cluster, boundObjectRef={"apiVersion": "v1", "kind": "ConfigMap", "name": "a"})
    await cluster.client.create(PODS, pod("a"), "demo")
    with pytest.raises(Conflict, match="does not match the UID in record"):
        await token(cluster, boundObjectRef={"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "x"})
    await cluster.client.create(SERVICE_ACCOUNTS, {"metadata": {"name": "other"}}, "demo")
    with pytest.raises(BadRequest, match="different serviceaccount name"):
        await token(cluster, "other", boundObjectRef={"apiVersion": "v1", "kind": "Pod", "name": "a"})
