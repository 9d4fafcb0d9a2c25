"""ValidatingAdmissionPolicies: what they are about, what they see, what follows from a rule that is not kept."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map, deployment
from wherry.objects import Object
from wherry.objects.errors import ApiError, Invalid
from wherry.objects.resource import (
    CLUSTER_ROLE_BINDINGS,
    CONFIG_MAPS,
    CUSTOM_RESOURCE_DEFINITIONS,
    DEPLOYMENTS,
    NAMESPACES,
    ROLE_BINDINGS,
    ROLES,
    VALIDATING_ADMISSION_POLICIES,
    VALIDATING_ADMISSION_POLICY_BINDINGS,
)

ALL = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["CREATE", "UPDATE"], "resources": ["*"]}
MAPS = {**ALL, "apiGroups": [""], "resources": ["configmaps"]}


async def policy(cluster: Cluster, *rules: str | Object, rule: Object = MAPS, name: str = "p", **spec: Any) -> None:
    validations = [{"expression": r} if isinstance(r, str) else r for r in rules]
    constraints = {"resourceRules": [rule]} | spec.pop("matchConstraints", {})
    spec = {"matchConstraints": constraints, "validations": validations, **spec}
    await cluster.client.create(VALIDATING_ADMISSION_POLICIES, {"metadata": {"name": name}, "spec": spec})


async def bind(cluster: Cluster, *actions: str, name: str = "b", **spec: Any) -> None:
    spec = {"policyName": "p", "validationActions": list(actions or ("Deny",)), **spec}
    await cluster.client.create(VALIDATING_ADMISSION_POLICY_BINDINGS, {"metadata": {"name": name}, "spec": spec})


async def create(cluster: Cluster, name: str = "a", namespace: str = "demo", **data: str) -> Object:
    return await cluster.client.create(CONFIG_MAPS, config_map(name, **data), namespace)


async def refused(cluster: Cluster, name: str = "a", **data: str) -> ApiError:
    with pytest.raises(ApiError) as error:
        await create(cluster, name, **data)
    return error.value


async def test_a_broken_rule_denies_in_upstreams_words(cluster: Cluster) -> None:
    about = {**ALL, "apiGroups": ["apps"], "resources": ["deployments"]}
    await policy(cluster, "object.spec.replicas <= 5", rule=about)
    await bind(cluster)
    await cluster.client.create(DEPLOYMENTS, deployment("few"), "demo")
    many = deployment("many")
    with pytest.raises(ApiError) as error:
        await cluster.client.create(DEPLOYMENTS, {**many, "spec": {**many["spec"], "replicas": 6}}, "demo")
    assert (error.value.code, error.value.reason) == (422, "Invalid")
    assert error.value.message == (
        "deployments.apps \"many\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
        "failed expression: object.spec.replicas <= 5"
    )


async def test_a_policy_that_nobody_binds_does_nothing_and_one_counts_at_once(cluster: Cluster) -> None:
    await policy(cluster, "false")
    await create(cluster)
    await bind(cluster)
    await refused(cluster, "b")
    await cluster.client.delete(VALIDATING_ADMISSION_POLICY_BINDINGS, "b")
    await create(cluster, "b")


async def test_messages_and_reasons_are_the_rules(cluster: Cluster) -> None:
    await policy(
        cluster,
        {"expression": "!has(object.data.a)", "message": "no a here", "reason": "Forbidden"},
        {"expression": "!has(object.data.b)", "messageExpression": "'b is ' + object.data.b"},
        {"expression": "!has(object.data.c)", "messageExpression": "object.data.nosuch", "message": "no c here"},
    )
    await bind(cluster)
    error = await refused(cluster, a="1")
    assert (error.code, error.message.endswith("denied request: no a here")) == (403, True)
    assert (await refused(cluster, b="2")).message.endswith("denied request: b is 2")
    assert (await refused(cluster, c="3")).message.endswith("denied request: no c here")


async def test_warnings_are_headers_and_the_write_goes_through(cluster: Cluster) -> None:
    await policy(cluster, {"expression": "false", "message": "think again"})
    await bind(cluster, "Warn", "Audit")
    body = msgspec.json.encode(config_map("a"))
    status, headers, _ = await cluster.request("POST", "/api/v1/namespaces/demo/configmaps", body)
    assert status == 201
    assert "Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': think again" in headers["warning"]


async def test_an_expression_that_fails_is_for_the_failure_policy_to_judge(cluster: Cluster) -> None:
    await policy(cluster, "object.data.nosuch == 'x'")
    await bind(cluster)
    error = await refused(cluster, x="1")
    assert error.message.endswith("expression 'object.data.nosuch == 'x'' resulted in error: no such key: nosuch")
    await cluster.client.patch(VALIDATING_ADMISSION_POLICIES, "p", {"spec": {"failurePolicy": "Ignore"}})
    await create(cluster, x="1")


async def test_variables_are_made_of_one_another_and_only_when_they_are_spoken_of(cluster: Cluster) -> None:
    await policy(
        cluster,
        "!has(object.data.a) || variables.twice < 10",
        variables=[
            {"name": "number", "expression": "int(object.data.a)"},
            {"name": "twice", "expression": "variables.number * 2"},
        ],
    )
    await bind(cluster)
    await create(cluster, "none", b="1")
    await create(cluster, "four", a="4")
    await refused(cluster, "five", a="5")
    said = (await refused(cluster, "word", a="x")).message
    assert "composited variable 'twice' fails to evaluate: composited variable 'number'" in said


async def test_conditions_choose_requests_also_by_who_asks(cluster: Cluster) -> None:
    conditions = [{"name": "not-ours", "expression": "request.userInfo.username != 'nobody'"}]
    conditions += [{"name": "named", "expression": "object.metadata.name.startsWith('x')"}]
    await policy(cluster, "false", matchConditions=conditions)
    await bind(cluster)
    await create(cluster, "a")
    await refused(cluster, "xa")


async def test_an_update_sees_what_was(cluster: Cluster) -> None:
    await policy(cluster, "request.operation == 'CREATE' || object.data.a == oldObject.data.a")
    await bind(cluster)
    made = await create(cluster, a="1")
    await cluster.client.update(CONFIG_MAPS, made | {"data": {"a": "1", "b": "2"}})
    with pytest.raises(ApiError):
        await cluster.client.patch(CONFIG_MAPS, "a", {"data": {"a": "2"}}, "demo")


async def test_a_delete_is_held_to_policies_too(cluster: Cluster) -> None:
    await policy(cluster, "!has(oldObject.data) || !has(oldObject.data.keep)", rule={**MAPS, "operations": ["DELETE"]})
    await bind(cluster)
    await create(cluster, "a", keep="1")
    await create(cluster, "b")
    await cluster.client.delete(CONFIG_MAPS, "b", "demo")
    with pytest.raises(ApiError, match="denied request"):
        await cluster.client.delete(CONFIG_MAPS, "a", "demo")


async def test_a_namespace_is_seen_and_selected(cluster: Cluster) -> None:
    await cluster.client.create(NAMESPACES, {"metadata": {"name": "prod", "labels": {"stage": "prod"}}})
    await policy(cluster, "has(namespaceObject.metadata.labels.stage) && namespaceObject.metadata.labels.stage == 'x'")
    await bind(cluster, matchResources={"namespaceSelector": {"matchLabels": {"stage": "prod"}}})
    await create(cluster, "a", "demo")
    with pytest.raises(ApiError):
        await create(cluster, "a", "prod")


async def test_rules_exclude_and_name(cluster: Cluster) -> None:
    await policy(cluster, "false", matchConstraints={"excludeResourceRules": [{**MAPS, "resourceNames": ["spared"]}]})
    await bind(cluster, matchResources={"resourceRules": [{**MAPS, "resourceNames": ["meant", "spared"]}]})
    await create(cluster, "spared")
    await create(cluster, "other")
    await refused(cluster, "meant")


async def test_parameters_are_an_object_and_its_absence_denies_unless_it_may_be_absent(cluster: Cluster) -> None:
    await policy(
        cluster,
        "size(object.data) <= int(params.data.most)",
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
        matchConditions=[{"name": "not-itself", "expression": "object.metadata.name != 'limits'"}],
    )
    await bind(cluster, paramRef={"name": "limits", "parameterNotFoundAction": "Deny"})
    assert "no params found for policy binding with `Deny` parameterNotFoundAction" in (await refused(cluster)).message
    path = {"spec": {"paramRef": {"name": "limits", "parameterNotFoundAction": "Allow"}}}
    await cluster.client.patch(VALIDATING_ADMISSION_POLICY_BINDINGS, "b", path)
    await create(cluster, "free", a="1", b="2")
    await create(cluster, "limits", most="1")
    await create(cluster, "one", a="1")
    await refused(cluster, "two", a="1", b="2")


async def test_parameters_can_be_selected_and_each_counts(cluster: Cluster) -> None:
    await policy(
        cluster,
        "!has(object.data.a) || object.data.a != params.data.forbidden",
        paramKind={"apiVersion": "v1", "kind": "ConfigMap"},
    )
    await bind(cluster, paramRef={"selector": {"matchLabels": {"p": "y"}}, "parameterNotFoundAction": "Allow"})
    for word in ("x", "y"):
        made = config_map(f"not-{word}", forbidden=word)
        await cluster.client.create(
            CONFIG_MAPS, made | {"metadata": {"name": f"not-{word}", "labels": {"p": "y"}}}, "demo"
        )
    await create(cluster, "z", a="z")
    for word in ("x", "y"):
        await refused(cluster, word, a=word)


async def test_custom_resources_can_be_parameters(cluster: Cluster) -> None:
    schema = {"type": "object", "properties": {"most": {"type": "integer"}}}
    version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}
    names = {"plural": "limits", "singular": "limit", "kind": "Limit"}
    spec = {"group": "harbour.example", "scope": "Cluster", "names": names, "versions": [version]}
    definition = {"metadata": {"name": "limits.harbour.example"}, "spec": spec}
    await cluster.client.create(CUSTOM_RESOURCE_DEFINITIONS, definition)
    body = {"apiVersion": "harbour.example/v1", "kind": "Limit", "metadata": {"name": "l"}, "most": 1}
    path = "/apis/harbour.example/v1/limits"
    for _ in range(100):
        status, _, _ = await cluster.request("POST", path, msgspec.json.encode(body))
        if status == 201:
            break
    kind = {"apiVersion": "harbour.example/v1", "kind": "Limit"}
    await policy(cluster, "size(object.data) <= params.most", paramKind=kind)
    await bind(cluster, paramRef={"name": "l", "parameterNotFoundAction": "Deny"})
    await create(cluster, "one", a="1")
    await refused(cluster, "two", a="1", b="2")


@pytest.mark.parametrize(
    ("asks", "allowed"),
    [
        ("authorizer.requestResource.check('create').allowed()", True),
        ("authorizer.requestResource.check('delete').allowed()", False),
        ("authorizer.group('').resource('configmaps').namespace('demo').name('x').check('create').allowed()", True),
        ("authorizer.group('').resource('configmaps').namespace('other').check('create').allowed()", False),
        (
            "authorizer.group('').resource('configmaps').subresource('x').namespace('demo').check('create').allowed()",
            False,
        ),
        (
            "authorizer.group('').resource('pods').labelSelector('a=b').fieldSelector('x=y').check('list').allowed()",
            False,
        ),
        ("authorizer.path('/healthz').check('get').allowed()", True),
        ("authorizer.path('/metrics').check('get').allowed()", False),
        ("authorizer.serviceAccount('kube-system', 'x').group('').resource('pods').check('list').allowed()", False),
        ("authorizer.serviceAccount('demo', 'boss').group('').resource('pods').check('list').allowed()", True),
        ("authorizer.path('/metrics').check('get').reason() == ''", True),
        ("authorizer.path('/metrics').check('get').errored()", False),
    ],
)
async def test_a_rule_may_ask_what_else_somebody_may_do(cluster: Cluster, asks: str, allowed: bool) -> None:
    """What RBAC says counts, of who asks or of a service account."""
    rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["create"]}]
    await cluster.client.create(ROLES, {"metadata": {"name": "maker"}, "rules": rules}, "demo")
    await cluster.client.create(ROLE_BINDINGS, _bound("Role", "maker", "User", "maker"), "demo")
    boss = _bound("ClusterRole", "cluster-admin", "ServiceAccount", "boss", namespace="demo")
    await cluster.client.create(CLUSTER_ROLE_BINDINGS, boss)
    await policy(cluster, asks)
    await bind(cluster)
    maker = cluster.server.client("maker", groups=())
    if allowed:
        await maker.create(CONFIG_MAPS, config_map("a"), "demo")
    else:
        with pytest.raises(ApiError, match="failed expression"):
            await maker.create(CONFIG_MAPS, config_map("a"), "demo")


def _bound(kind: str, role: str, who: str, name: str, **place: str) -> Object:
    subject = {"kind": who, "name": name, **place}
    if who == "User":
        subject["apiGroup"] = "rbac.authorization.k8s.io"
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": role}
    return {"metadata": {"name": name}, "subjects": [subject], "roleRef": reference}


async def test_a_broken_policy_can_be_removed(cluster: Cluster) -> None:
    await policy(cluster, "false", rule={**ALL, "operations": ["*"]})
    await bind(cluster)
    await refused(cluster)
    await cluster.client.delete(VALIDATING_ADMISSION_POLICIES, "p")
    await create(cluster)


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        (
            {"validations": [{"expression": "object.x +"}]},
            r"expression: .*compilation failed",
        ),
        ({"validations": [{"expression": "'x'"}]}, "must evaluate to bool"),
        (
            {"validations": [{"expression": "authorizer.group('').check('get').allowed()"}]},
            "no matching overload for 'check'",
        ),
        ({"validations": [{"expression": "authoriser.path('/x').check('get').allowed()"}]}, "undeclared"),
        ({"validations": []}, "validations or auditAnnotations must contain at least one item"),
        ({"failurePolicy": "Maybe"}, r"spec\.failurePolicy: Unsupported value"),
        ({"variables": [{"name": "a b", "expression": "1"}]}, "not a valid CEL identifier"),
        ({"matchConstraints": {"resourceRules": []}}, r"spec\.matchConstraints\.resourceRules: Required value"),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(cluster: Cluster, spec: Object, says: str) -> None:
    whole = {"matchConstraints": {"resourceRules": [MAPS]}, "validations": [{"expression": "true"}], **spec}
    with pytest.raises(Invalid, match=says):
        await cluster.client.create(VALIDATING_ADMISSION_POLICIES, {"metadata": {"name": "p"}, "spec": whole})


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"validationActions": ["Deny", "Warn"]}, "must not contain both Deny and Warn"),
        ({"validationActions": []}, "at least one validation action is required"),
        ({"policyName": ""}, r"spec\.policyName: Required value"),
        ({"paramRef": {"name": "x"}}, r"parameterNotFoundAction: Required value"),
    ],
)
async def test_a_binding_that_makes_no_sense_is_refused(cluster: Cluster, spec: Object, says: str) -> None:
    whole = {"policyName": "p", "validationActions": ["Deny"], **spec}
    with pytest.raises(Invalid, match=says):
        await cluster.client.create(VALIDATING_ADMISSION_POLICY_BINDINGS, {"metadata": {"name": "b"}, "spec": whole})
