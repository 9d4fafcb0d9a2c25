"""Admission webhooks, asked over real HTTPS: who is asked, what they are told, what comes of their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.admission.hookserver import HookServer, allowed, labelling, patching
from tests.apiserver.harness import KUBECTL, Cluster
from tests.apiserver.samples import config_map, deployment
from wherry.objects import Object
from wherry.objects.errors import ApiError, BadRequest, InternalError
from wherry.objects.resource import (
    CLUSTER_ROLE_BINDINGS,
    CLUSTER_ROLES,
    CONFIG_MAPS,
    DEPLOYMENTS,
    INGRESSES,
    MUTATING_WEBHOOK_CONFIGURATIONS,
    NAMESPACES,
    PODS,
    VALIDATING_WEBHOOK_CONFIGURATIONS,
    Resource,
)

MUTATING, VALIDATING = MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[HookServer]:
    async with HookServer(tmp_path) as server:
        yield server


async def configure(cluster: Cluster, resource: Resource, *webhooks: Object, name: str = "hooks") -> None:
    await cluster.client.create(resource, {"metadata": {"name": name}, "webhooks": list(webhooks)})


async def create(cluster: Cluster, name: str = "a", **data: str) -> Object:
    return await cluster.client.create(CONFIG_MAPS, config_map(name, **data), "demo")


async def test_a_mutating_webhook_changes_what_is_stored_and_owns_nothing_of_it(
    cluster: Cluster, hooks: HookServer
) -> None:
    patch = patching({"op": "add", "path": "/data/seen", "value": "yes"})
    await configure(cluster, MUTATING, hooks.hook("mutate", patch, "configmaps"))
    made = await create(cluster, x="1")
    assert made["data"] == {"x": "1", "seen": "yes"}
    (entry,) = made["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:data": {".": {}, "f:x": {}}}
    ((_, request),) = hooks.asked
    assert request["object"]["data"] == {"x": "1"}
    assert request["oldObject"] is None
    assert request["operation"] == "CREATE"
    assert (request["namespace"], request["name"], request["dryRun"]) == ("demo", "a", False)
    assert request["kind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert request["resource"] == request["requestResource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert request["userInfo"]["username"] == "system:apiserver"
    assert request["options"]["kind"] == "CreateOptions"
    assert hooks.sent[0]["query"] == "timeout=10s"
    await cluster.client.patch(CONFIG_MAPS, "a", {"data": {"x": "2"}}, "demo")
    assert hooks.asked[-1][1]["operation"] == "UPDATE"
    assert hooks.asked[-1][1]["oldObject"]["data"] == {"x": "1", "seen": "yes"}
    assert hooks.asked[-1][1]["options"]["kind"] == "UpdateOptions"


async def test_a_refusal_says_which_webhook_and_why(cluster: Cluster, hooks: HookServer) -> None:
    status = {"message": "no x", "reason": "Forbidden", "code": 403}
    await configure(
        cluster, VALIDATING, hooks.hook("check", lambda _: {"allowed": False, "status": status}, "configmaps")
    )
    with pytest.raises(ApiError) as caught:
        await create(cluster)
    assert caught.value.message == 'admission webhook "check.example.com" denied the request: no x'
    assert (caught.value.code, caught.value.reason) == (403, "Forbidden")
    hooks.answers["check"] = lambda _: {"allowed": False}
    with pytest.raises(ApiError, match="denied the request without explanation") as caught:
        await create(cluster)
    assert caught.value.code == 400


async def test_a_validating_webhook_sees_what_will_be_stored(cluster: Cluster, hooks: HookServer) -> None:
    await configure(cluster, MUTATING, hooks.hook("mutate", labelling("a"), "pods"))
    await configure(cluster, VALIDATING, hooks.hook("check", allowed, "pods"))
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    made = await cluster.client.create(PODS, pod, "demo")
    assert hooks.paths() == ["mutate", "check"]
    seen = hooks.asked[1][1]["object"]
    assert seen["status"] == {"phase": "Pending", "qosClass": "BestEffort"}
    assert seen["metadata"]["labels"] == made["metadata"]["labels"] == {"a": "x"}
    assert seen["spec"] == made["spec"]


async def test_what_is_invalid_is_refused_before_a_validating_webhook_is_asked(
    cluster: Cluster, hooks: HookServer
) -> None:
    await configure(cluster, VALIDATING, hooks.hook("check", allowed, "configmaps"))
    with pytest.raises(ApiError, match="is invalid"):
        await create(cluster, **{"bad/key": "1"})
    assert hooks.asked == []


@pytest.mark.parametrize(
    ("rule", "asked"),
    [
        ({"resources": ["*"]}, True),
        ({"resources": ["*/*"]}, True),
        ({"resources": ["configmaps/*"]}, True),
        ({"resources": ["secrets"]}, False),
        ({"resources": ["configmaps/status"]}, False),
        ({"apiGroups": ["apps"]}, False),
        ({"apiVersions": ["v2"]}, False),
        ({"operations": ["*"]}, True),
        ({"operations": ["DELETE"]}, False),
        ({"scope": "Namespaced"}, True),
        ({"scope": "Cluster"}, False),
    ],
)
async def test_only_webhooks_whose_rules_are_about_a_request_are_asked(
    cluster: Cluster, hooks: HookServer, rule: Object, asked: bool
) -> None:
    hook = hooks.hook("check", allowed, "configmaps")
    hook["rules"][0] |= rule
    await configure(cluster, VALIDATING, hook)
    await create(cluster)
    assert hooks.paths() == ["check"] * asked


async def test_selectors_look_at_the_namespace_and_at_the_object_before_and_after(
    cluster: Cluster, hooks: HookServer
) -> None:
    wanted = {"matchLabels": {"hooked": "yes"}}
    by_object = hooks.hook("object", allowed, "configmaps", objectSelector=wanted)
    by_namespace = hooks.hook("namespace", allowed, "configmaps", "namespaces", namespaceSelector=wanted)
    await configure(cluster, VALIDATING, by_object, by_namespace)
    await create(cluster)
    assert hooks.asked == []
    await cluster.client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"hooked": "yes"}}}, "demo")
    await cluster.client.patch(CONFIG_MAPS, "a", {"metadata": {"labels": {"hooked": None}}}, "demo")
    assert hooks.paths() == ["object", "object"]
    await cluster.client.patch(NAMESPACES, "demo", {"metadata": {"labels": {"hooked": "yes"}}})
    await cluster.client.patch(CONFIG_MAPS, "a", {"data": {"x": "1"}}, "demo")
    assert hooks.paths()[2:] == ["namespace", "namespace"]
    assert hooks.asked[2][1]["namespace"] == "demo"


async def test_a_rule_for_another_version_is_met_by_converting_unless_exact(
    cluster: Cluster, hooks: HookServer
) -> None:
    def of_ingresses(path: str, **changes: Any) -> Object:
        hook = hooks.hook(path, allowed, "ingresses", **changes)
        hook["rules"][0] |= {"apiGroups": ["networking.k8s.io"], "apiVersions": ["v1"]}
        return hook

    await configure(cluster, VALIDATING, of_ingresses("either"), of_ingresses("exact", matchPolicy="Exact"))
    old = Resource("networking.k8s.io", "v1beta1", "ingresses", "Ingress")
    spec = {"backend": {"serviceName": "web", "servicePort": 80}}
    body = {"apiVersion": old.api_version, "kind": "Ingress", "metadata": {"name": "a"}, "spec": spec}
    await cluster.client.create(old, body, "demo")
    ((path, request),) = hooks.asked
    assert path == "either"
    assert request["object"]["apiVersion"] == "networking.k8s.io/v1"
    assert request["object"]["spec"]["defaultBackend"]["service"]["name"] == "web"
    assert (request["resource"]["version"], request["requestResource"]["version"]) == ("v1", "v1beta1")
    await cluster.client.patch(INGRESSES, "a", {"metadata": {"labels": {"a": "b"}}}, "demo")
    assert sorted(hooks.paths()[1:]) == ["either", "exact"]


async def test_the_failure_policy_says_what_becomes_of_requests_nobody_can_be_asked_about(
    cluster: Cluster, hooks: HookServer
) -> None:
    hook = hooks.hook("check", allowed, "configmaps")
    hook["clientConfig"] = {"service": {"name": "gone", "namespace": "demo", "path": "/x"}}
    await configure(cluster, VALIDATING, hook)
    with pytest.raises(InternalError) as caught:
        await create(cluster)
    assert caught.value.message == (
        'Internal error occurred: failed calling webhook "check.example.com": failed to call webhook: '
        'Post "https://gone.demo.svc:443/x?timeout=10s": services "gone" not found'
    )
    change = [{"op": "replace", "path": "/webhooks/0/failurePolicy", "value": "Ignore"}]
    await cluster.client.patch(VALIDATING, "hooks", change, type="json")
    assert await create(cluster)


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ({"raw": "nothing here", "code": 404}, "the server could not find the requested resource"),
        ({"raw": "boom", "code": 500}, 'an error on the server ("boom") has prevented the request from succeeding'),
        ({"raw": "[1"}, "received invalid webhook response: the answer is no AdmissionReview: "),
        ({"raw": "{}"}, "received invalid webhook response: webhook response was absent"),
        ({"uid": "other", "allowed": True}, "expected response.uid="),
        ({"allowed": True, "patch": "W10="}, "validating webhook may not return response.patch"),
    ],
)
async def test_an_answer_that_is_none_counts_as_a_failed_call(
    cluster: Cluster, hooks: HookServer, answer: Object, why: str
) -> None:
    await configure(cluster, VALIDATING, hooks.hook("check", lambda _: answer, "configmaps"))
    with pytest.raises(InternalError) as caught:
        await create(cluster)
    assert why in caught.value.message
    assert 'failed calling webhook "check.example.com": ' in caught.value.message


async def test_a_webhook_that_is_slow_or_not_trusted_fails_in_time(cluster: Cluster, hooks: HookServer) -> None:
    async def slow(request: Object) -> Object:
        await asyncio.sleep(5)
        return {"allowed": True}

    await configure(cluster, VALIDATING, hooks.hook("slow", slow, "configmaps", timeoutSeconds=1))  # type: ignore[arg-type]
    with pytest.raises(InternalError, match=r"/slow\?timeout=1s\": context deadline exceeded"):
        await create(cluster)
    url = f"https://127.0.0.1:{hooks.port}/check"
    await cluster.client.delete(VALIDATING, "hooks")
    await configure(cluster, VALIDATING, hooks.hook("check", allowed, "configmaps", clientConfig={"url": url}))
    with pytest.raises(InternalError, match="x509: certificate signed by unknown authority"):
        await create(cluster)
    change = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": hooks.ca}]
    await cluster.client.patch(VALIDATING, "hooks", change, type="json")  # as cert-manager's injector does
    assert await create(cluster)


async def test_a_dry_run_is_for_webhooks_without_side_effects(cluster: Cluster, hooks: HookServer) -> None:
    await configure(cluster, MUTATING, hooks.hook("mutate", labelling("a"), "configmaps", sideEffects="NoneOnDryRun"))
    path = "/api/v1/namespaces/demo/configmaps?dryRun=All"
    status, _, made = await cluster.request("POST", path, config_map("a"))
    assert (status, made["metadata"]["labels"]) == (201, {"a": "x"})
    assert hooks.asked[0][1]["dryRun"] is True
    assert hooks.asked[0][1]["options"]["dryRun"] == ["All"]


async def test_webhooks_are_asked_in_order_and_again_when_a_later_one_changed_something(
    cluster: Cluster, hooks: HookServer
) -> None:
    first = hooks.hook("first", labelling("first"), "configmaps", reinvocationPolicy="IfNeeded")
    never = hooks.hook("never", labelling("never"), "configmaps")
    last = hooks.hook("last", labelling("last"), "configmaps", reinvocationPolicy="IfNeeded")
    await configure(cluster, MUTATING, last, name="b")
    await configure(cluster, MUTATING, first, never, name="a")
    made = await create(cluster)
    assert hooks.paths() == ["first", "never", "last", "first"]
    assert made["metadata"]["labels"] == {"first": "x", "never": "x", "last": "x"}


async def test_the_servers_own_admission_sees_what_a_webhook_made(cluster: Cluster, hooks: HookServer) -> None:
    account = patching({"op": "replace", "path": "/spec/serviceAccountName", "value": "nobody"})
    await configure(cluster, MUTATING, hooks.hook("mutate", account, "pods"))
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    with pytest.raises(ApiError, match='serviceaccount "nobody" not found'):
        await cluster.client.create(PODS, pod, "demo")


async def test_a_patch_is_defaulted_pruned_and_checked_as_if_a_client_had_sent_it(
    cluster: Cluster, hooks: HookServer
) -> None:
    sidecar = {"name": "s", "image": "s:1", "bogus": 1, "ports": [{"containerPort": 9}]}
    await configure(
        cluster,
        MUTATING,
        hooks.hook("mutate", patching({"op": "add", "path": "/spec/containers/-", "value": sidecar}), "pods"),
    )
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    made = (await cluster.client.create(PODS, pod, "demo"))["spec"]["containers"][1]
    assert (made["imagePullPolicy"], made["ports"][0]["protocol"]) == ("IfNotPresent", "TCP")
    assert "bogus" not in made
    assert [m["mountPath"] for m in made["volumeMounts"]] == ["/var/run/secrets/kubernetes.io/serviceaccount"]
    hooks.answers["mutate"] = patching({"op": "replace", "path": "/metadata/name", "value": "other"})
    with pytest.raises(InternalError, match="the name of the object"):
        await cluster.client.create(PODS, {**pod, "metadata": {"name": "q"}}, "demo")
    hooks.answers["mutate"] = patching({"op": "test", "path": "/metadata/name", "value": "other"})
    with pytest.raises(InternalError, match="the patch of admission webhook"):
        await cluster.client.create(PODS, {**pod, "metadata": {"name": "q"}}, "demo")


async def test_a_status_write_stays_one_whatever_a_webhook_makes_of_it(cluster: Cluster, hooks: HookServer) -> None:
    patch = patching(
        {"op": "add", "path": "/spec/replicas", "value": 9}, {"op": "add", "path": "/status/replicas", "value": 7}
    )
    hook = hooks.hook("mutate", patch, "deployments/status")
    hook["rules"][0]["apiGroups"] = ["apps"]
    await configure(cluster, MUTATING, hook)
    await cluster.client.create(DEPLOYMENTS, deployment("web"), "demo")
    before = await cluster.client.get(DEPLOYMENTS, "web", "demo")
    status = {"status": {"observedGeneration": 1}}
    after = await cluster.client.patch(DEPLOYMENTS, "web", status, "demo", subresource="status")
    assert after["status"] == {"observedGeneration": 1, "replicas": 7}
    assert after["spec"] == before["spec"]
    assert hooks.asked[0][1]["subResource"] == hooks.asked[0][1]["requestSubResource"] == "status"


async def test_a_webhook_for_scale_sees_and_changes_a_scale(cluster: Cluster, hooks: HookServer) -> None:
    capped = patching({"op": "replace", "path": "/spec/replicas", "value": 3})
    hook = hooks.hook("mutate", capped, "*/scale")
    hook["rules"][0]["apiGroups"] = ["*"]
    await configure(cluster, MUTATING, hook)
    await cluster.client.create(DEPLOYMENTS, deployment("web"), "demo")
    scale = {"spec": {"replicas": 50}}
    await cluster.client.patch(DEPLOYMENTS, "web", scale, "demo", subresource="scale")
    ((_, request),) = hooks.asked
    assert request["kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    assert request["object"]["spec"] == {"replicas": 50}
    assert (await cluster.client.get(DEPLOYMENTS, "web", "demo"))["spec"]["replicas"] == 3


async def test_a_delete_shows_what_there_is_and_cannot_be_changed(cluster: Cluster, hooks: HookServer) -> None:
    hook = hooks.hook("check", lambda _: {"allowed": False, "status": {"message": "keep it"}}, "configmaps")
    hook["rules"][0]["operations"] = ["DELETE"]
    await create(cluster, x="1")
    await configure(cluster, VALIDATING, hook)
    with pytest.raises(ApiError, match="denied the request: keep it"):
        await cluster.client.delete(CONFIG_MAPS, "a", "demo", propagation_policy="Foreground")
    ((_, request),) = hooks.asked
    assert request["object"] is None
    assert request["oldObject"]["data"] == {"x": "1"}
    assert request["options"]["propagationPolicy"] == "Foreground"
    status, _, said = await cluster.request("DELETE", "/api/v1/namespaces/demo/configmaps")
    assert (status, said["message"][-7:]) == (400, "keep it")


async def test_an_eviction_and_a_binding_are_what_is_asked_about_and_not_the_pod(
    cluster: Cluster, hooks: HookServer
) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await cluster.client.create(PODS, pod, "demo")
    hook = hooks.hook("check", allowed, "pods/*", "pods")
    hook["rules"][0] = {**hook["rules"][0], "operations": ["*"], "resources": ["pods/*"]}
    whole = {**hook["rules"][0], "resources": ["pods"]}
    await configure(cluster, VALIDATING, {**hook, "rules": [hook["rules"][0], whole]})
    await cluster.client.create(PODS, {"target": {"name": "n"}}, "demo", name="p", subresource="binding")
    eviction = {"metadata": {"name": "p"}}
    await cluster.client.create(PODS, eviction, "demo", name="p", subresource="eviction")
    seen = [(r["operation"], r["subResource"], r["kind"]["kind"], r["object"]["kind"]) for _, r in hooks.asked]
    assert seen == [("CREATE", "binding", "Binding", "Binding"), ("CREATE", "eviction", "Eviction", "Eviction")]


async def test_a_connection_is_asked_about_with_its_options(cluster: Cluster, hooks: HookServer) -> None:
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    await cluster.client.create(PODS, pod, "demo")
    hook = hooks.hook("check", lambda _: {"allowed": False, "status": {"message": "no shell"}}, "pods/exec")
    hook["rules"][0]["operations"] = ["CONNECT"]
    await configure(cluster, VALIDATING, hook)
    path = "/api/v1/namespaces/demo/pods/p/exec?command=sh&command=-c&stdin=true&tty=false&container=c"
    status, _, said = await cluster.request("POST", path)
    assert (status, said["message"]) == (400, 'admission webhook "check.example.com" denied the request: no shell')
    ((_, request),) = hooks.asked
    assert request["operation"] == "CONNECT"
    assert request["object"] == {
        "kind": "PodExecOptions",
        "apiVersion": "v1",
        "stdin": True,
        "tty": False,
        "container": "c",
        "command": ["sh", "-c"],
    }


async def test_no_webhook_is_asked_about_webhooks(cluster: Cluster, hooks: HookServer) -> None:
    hook = hooks.hook("check", lambda _: {"allowed": False}, "*")
    hook["rules"][0] |= {"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}
    await configure(cluster, VALIDATING, hook)
    await cluster.client.delete(VALIDATING, "hooks")
    assert hooks.asked == []
    assert await create(cluster)


async def test_a_server_starts_whatever_its_webhooks_say(tmp_path: Path) -> None:
    """What it begins with is written before anybody is asked."""
    storage = tmp_path / "state.db"
    hook = {
        "name": "all.example.com",
        "clientConfig": {"url": "https://127.0.0.1:1/"},
        "rules": [{"operations": ["*"], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["*/*"]}],
        "sideEffects": "None",
        "admissionReviewVersions": ["v1"],
    }
    async with Cluster(tmp_path, storage=storage) as cluster:
        await configure(cluster, VALIDATING, hook)
        with pytest.raises(InternalError, match="connect: connection refused"):
            await cluster.client.create(NAMESPACES, {"metadata": {"name": "a"}})
        await cluster.client.delete(VALIDATING, "hooks")
        await cluster.client.delete(Resource("", "v1", "services", "Service"), "kubernetes", "default")
        await configure(cluster, VALIDATING, hook)
    async with Cluster(tmp_path, storage=storage) as cluster:
        assert await cluster.client.get(Resource("", "v1", "services", "Service"), "kubernetes", "default")


async def test_an_old_review_version_is_spoken_to_who_wants_it(cluster: Cluster, hooks: HookServer) -> None:
    hook = hooks.hook("mutate", labelling("a"), "configmaps", admissionReviewVersions=["v1beta1", "v1"])
    plain = hooks.answers["mutate"]
    hooks.answers["mutate"] = lambda request: {**plain(request), "patchType": None, "uid": ""}
    await configure(cluster, MUTATING, hook)
    assert (await create(cluster))["metadata"]["labels"] == {"a": "x"}
    hooks.answers["mutate"] = lambda _: {"allowed": False, "status": {"reason": "BadRequest", "code": 400}}
    with pytest.raises(BadRequest):
        await create(cluster, "b")


@pytest.mark.skipif(not KUBECTL["1.37"].exists(), reason="kubectl 1.37 is not installed")
async def test_kubectl_shows_warnings_refusals_and_the_configurations(cluster: Cluster, hooks: HookServer) -> None:
    answer = {"allowed": True, "warnings": ["this is old"]}
    await configure(cluster, VALIDATING, hooks.hook("check", lambda _: answer, "configmaps"))
    code, _, err = await cluster.kubectl("-n", "demo", "create", "configmap", "a")
    assert (code, err) == (0, "Warning: this is old\n")
    hooks.answers["check"] = lambda _: {"allowed": False, "status": {"message": "never"}}
    code, _, err = await cluster.kubectl("-n", "demo", "create", "configmap", "b")
    expected = 'error: failed to create configmap: admission webhook "check.example.com" denied the request: never\n'
    assert (code, err) == (1, expected)
    code, out, _ = await cluster.kubectl("get", "validatingwebhookconfigurations")
    assert out.split()[:5] == ["NAME", "WEBHOOKS", "AGE", "hooks", "1"]
    assert code == 0


async def test_conditions_decide_whether_a_webhook_is_asked(cluster: Cluster, hooks: HookServer) -> None:
    hook = hooks.hook("validate", allowed, "configmaps")
    hook["matchConditions"] = [
        {"name": "not-a", "expression": "object.metadata.name != 'a'"},
        {"name": "in-demo", "expression": "request.namespace == 'demo'"},
    ]
    await configure(cluster, VALIDATING, hook)
    await create(cluster, "a")
    await create(cluster, "b")
    assert [request["name"] for _, request in hooks.asked] == ["b"]


async def test_a_condition_may_ask_who_may_pass_a_webhook_by(cluster: Cluster, hooks: HookServer) -> None:
    """The example of upstream's documentation: whoever has a verb of one's own making is not held up."""
    may = "authorizer.group('admissionregistration.k8s.io').resource('validatingwebhookconfigurations').name('hooks')"
    hook = hooks.hook("validate", allowed, "configmaps")
    hook["matchConditions"] = [{"name": "breakglass", "expression": f"!{may}.check('breakglass').allowed()"}]
    await configure(cluster, VALIDATING, hook)
    await create(cluster)  # by an administrator
    assert hooks.asked == []
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]
    await cluster.client.create(CLUSTER_ROLES, {"metadata": {"name": "maker"}, "rules": rules})
    subject = {"kind": "User", "apiGroup": CLUSTER_ROLES.group, "name": "maker"}
    reference = {"apiGroup": CLUSTER_ROLES.group, "kind": "ClusterRole", "name": "maker"}
    bound = {"metadata": {"name": "maker"}, "subjects": [subject], "roleRef": reference}
    await cluster.client.create(CLUSTER_ROLE_BINDINGS, bound)
    await cluster.server.client("maker", groups=()).create(CONFIG_MAPS, config_map("b"), "demo")
    assert [request["name"] for _, request in hooks.asked] == ["b"]


@pytest.mark.parametrize(("policy", "passes"), [("Fail", False), ("Ignore", True)])
async def test_a_condition_that_fails_is_for_the_failure_policy_to_judge(
    cluster: Cluster, hooks: HookServer, policy: str, passes: bool
) -> None:
    hook = hooks.hook("validate", allowed, "configmaps") | {"failurePolicy": policy}
    hook["matchConditions"] = [{"name": "odd", "expression": "object.data.nosuch == 'x'"}]
    await configure(cluster, VALIDATING, hook)
    if passes:
        await create(cluster)
    else:
        with pytest.raises(ApiError, match="no such key: nosuch"):
            await create(cluster, x="1")
    assert hooks.asked == []
