"""Questions that are posted: who is this, and who may do what?"""

from __future__ import annotations

from typing import Any

from tests.apiserver.access.test_access import bound
from tests.apiserver.harness import Cluster
from wherry.objects import Object
from wherry.objects.resource import ROLE_BINDINGS

AUTHORIZATION = "/apis/authorization.k8s.io/v1"


async def post(cluster: Cluster, path: str, asking: str = "admin", /, **spec: Any) -> Object:
    _, _, answer = await cluster.request("POST", path, {"spec": spec}, user=asking)
    assert isinstance(answer, dict)
    return answer


async def test_subject_access_reviews_answer_for_others(cluster: Cluster) -> None:
    await cluster.client.create(ROLE_BINDINGS, bound("v", "view", {"kind": "User", "name": "jane"}), "demo")

    async def allowed(verb: str, namespace: str, **who: Any) -> bool:
        asked = {"verb": verb, "resource": "pods", "namespace": namespace}
        answer = await post(cluster, f"{AUTHORIZATION}/subjectaccessreviews", resourceAttributes=asked, **who)
        assert answer["kind"] == "SubjectAccessReview"
        return bool(answer["status"]["allowed"])

    assert await allowed("list", "demo", user="jane")
    assert not await allowed("list", "default", user="jane")
    assert not await allowed("delete", "demo", user="jane")
    assert await allowed("delete", "demo", user="x", groups=["system:masters"])


async def test_self_subject_reviews_answer_for_oneself(cluster: Cluster) -> None:
    cluster.issue("jane", "jane")
    asked = {"verb": "get", "resource": "pods"}
    path = f"{AUTHORIZATION}/selfsubjectaccessreviews"
    for user, allowed in (("admin", True), ("jane", False)):
        assert (await post(cluster, path, user, resourceAttributes=asked))["status"]["allowed"] is allowed
    answer = await post(cluster, path, "jane", nonResourceAttributes={"verb": "get", "path": "/healthz"})
    assert answer["status"]["allowed"]


async def test_a_rules_review_lists_what_one_may_do(cluster: Cluster) -> None:
    cluster.issue("jane", "jane")
    await cluster.client.create(ROLE_BINDINGS, bound("v", "view", {"kind": "User", "name": "jane"}), "demo")
    answer = await post(cluster, f"{AUTHORIZATION}/selfsubjectrulesreviews", "jane", namespace="demo")
    status = answer["status"]
    assert any("pods" in rule["resources"] for rule in status["resourceRules"])
    assert any("/healthz" in rule["nonResourceURLs"] for rule in status["nonResourceRules"])
    assert status["incomplete"] is False
    assert all(
        rules.count(rule) == 1 for rules in (status["resourceRules"], status["nonResourceRules"]) for rule in rules
    )


async def test_a_local_review_is_about_its_own_namespace(cluster: Cluster) -> None:
    path = f"{AUTHORIZATION}/namespaces/demo/localsubjectaccessreviews"
    asked = {"verb": "get", "resource": "pods", "namespace": "demo"}
    assert (await post(cluster, path, resourceAttributes=asked, groups=["x"]))["status"]["allowed"] is False
    other = await post(cluster, path, resourceAttributes=asked | {"namespace": "default"}, groups=["x"])
    assert other["reason"] == "Invalid"


async def test_a_review_needs_a_question(cluster: Cluster) -> None:
    assert (await post(cluster, f"{AUTHORIZATION}/subjectaccessreviews"))["reason"] == "Invalid"
    assert (await post(cluster, f"{AUTHORIZATION}/selfsubjectaccessreviews"))["reason"] == "Invalid"
    assert (await post(cluster, "/apis/authentication.k8s.io/v1/tokenreviews"))["reason"] == "BadRequest"


async def test_a_token_is_good_for_its_audiences_and_a_review_names_those_it_asked_about(cluster: Cluster) -> None:
    account = "/api/v1/namespaces/demo/serviceaccounts/default/token"
    token = (await post(cluster, account, audiences=["vault", "db"], expirationSeconds=700))["status"]["token"]
    reviews = "/apis/authentication.k8s.io/v1/tokenreviews"
    good = (await post(cluster, reviews, token=token, audiences=["db", "other"]))["status"]
    assert (good["authenticated"], good["audiences"]) == (True, ["db"])
    assert good["user"]["username"] == "system:serviceaccount:demo:default"
    bad = (await post(cluster, reviews, token=token))["status"]
    assert bad["authenticated"] is False
    issuer = "https://kubernetes.default.svc.cluster.local"
    assert bad["error"] == f"token audiences ['vault', 'db'] is invalid for the target audiences ['{issuer}']"


async def test_a_token_review_of_nonsense_is_answered_with_no(cluster: Cluster) -> None:
    answer = await post(cluster, "/apis/authentication.k8s.io/v1/tokenreviews", token="nonsense")
    assert answer["status"]["authenticated"] is False
