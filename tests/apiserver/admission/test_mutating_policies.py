"""MutatingAdmissionPolicies: what they make of what is written, in which order, and what follows when they cannot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.admission.hookserver import HookServer, patching
from tests.apiserver.admission.test_policies import MAPS
from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map, deployment, pod
from wherry.objects import Object
from wherry.objects.errors import ApiError, Invalid
from wherry.objects.resource import (
    CONFIG_MAPS,
    DEPLOYMENTS,
    MUTATING_ADMISSION_POLICIES,
    MUTATING_ADMISSION_POLICY_BINDINGS,
    MUTATING_WEBHOOK_CONFIGURATIONS,
    NAMESPACES,
    PODS,
    VALIDATING_ADMISSION_POLICIES,
    VALIDATING_ADMISSION_POLICY_BINDINGS,
)

PODS_RULE = {**MAPS, "resources": ["pods"]}
DEPLOYMENTS_RULE = {**MAPS, "apiGroups": ["apps"], "resources": ["deployments"]}
SIDECAR = """
Object{
  spec: Object.spec{
    initContainers: [
      Object.spec.initContainers{ name: "mesh-proxy", image: "mesh/proxy:v1.0.0", restartPolicy: "Always" }
    ]
  }
}
"""
"""The example of upstream's documentation."""


def mutation(text: str) -> Object:
    """Return a mutation of the type that the expression looks like."""
    if "JSONPatch{" in text:
        return {"patchType": "JSONPatch", "jsonPatch": {"expression": text}}
    return {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": text}}


async def policy(cluster: Cluster, *texts: str, rule: Object = MAPS, name: str = "p", **spec: Any) -> None:
    """Make a policy of these mutations, and its binding."""
    binding = {"policyName": name, **spec.pop("binding", {})}
    whole = {
        "matchConstraints": {"resourceRules": [rule]},
        "mutations": [mutation(text) for text in texts],
        "reinvocationPolicy": "Never",
        **spec,
    }
    await cluster.client.create(MUTATING_ADMISSION_POLICIES, {"metadata": {"name": name}, "spec": whole})
    await cluster.client.create(MUTATING_ADMISSION_POLICY_BINDINGS, {"metadata": {"name": name}, "spec": binding})


async def made(cluster: Cluster, name: str = "a", **data: str) -> dict[str, str]:
    """Create a ConfigMap and return what is in it."""
    created = await cluster.client.create(CONFIG_MAPS, config_map(name, **data), "demo")
    return created.get("data") or {}


def adding(key: str, value: str = "'x'") -> str:
    return f"Object{{data: {{'{key}': {value}}}}}"


async def test_a_sidecar_is_merged_into_a_pod_by_its_name(cluster: Cluster) -> None:
    has = "!object.spec.?initContainers.orValue([]).exists(c, c.name == 'mesh-proxy')"
    condition = {"name": "does-not-already-have-sidecar", "expression": has}
    await policy(cluster, SIDECAR, rule=PODS_RULE, matchConditions=[condition], reinvocationPolicy="IfNeeded")
    await cluster.client.create(PODS, pod("a"), "demo")
    spec = (await cluster.client.get(PODS, "a", "demo"))["spec"]
    [sidecar] = spec["initContainers"]
    assert (sidecar["name"], sidecar["restartPolicy"]) == ("mesh-proxy", "Always")
    assert sidecar["terminationMessagePath"] == "/dev/termination-log"  # defaults follow
    assert [c["name"] for c in spec["containers"]] == [c["name"] for c in pod("a")["spec"]["containers"]]


async def test_a_patch_in_json_does_what_a_merge_cannot(cluster: Cluster) -> None:
    await policy(
        cluster,
        "[JSONPatch{op: 'test', path: '/data/a', value: 'old'},"
        " JSONPatch{op: 'replace', path: '/data/a', value: 'new'}]",
        "[JSONPatch{op: 'add', path: '/data/' + jsonpatch.escapeKey('b'), value: string(size(object.data))},"
        " JSONPatch{op: 'copy', from: '/data/b', path: '/data/c'}]",
    )
    assert await made(cluster, a="old") == {"a": "new", "b": "1", "c": "1"}
    assert await made(cluster, "other", a="else") == {"a": "else", "b": "1", "c": "1"}  # the test failed: no patch


async def test_each_sees_what_the_one_before_has_made(cluster: Cluster) -> None:
    await policy(cluster, adding("one"), adding("two", "string(size(object.data))"), name="a")
    await policy(cluster, adding("three", "object.data.two + variables.mark"), name="b", variables=[
        {"name": "mark", "expression": "Object.data{m: '!'}.m"},
    ])  # fmt: skip
    assert await made(cluster, z="z") == {"z": "z", "one": "x", "two": "2", "three": "2!"}


@pytest.mark.parametrize(("again", "expected"), [("IfNeeded", "3"), ("Never", "1")])
async def test_one_that_wants_to_has_another_look_after_a_later_one(
    cluster: Cluster, again: str, expected: str
) -> None:
    await policy(cluster, adding("size", "string(size(object.?data.orValue({})))"), name="a", reinvocationPolicy=again)
    await policy(cluster, adding("late"), name="b")
    assert (await made(cluster, z="z"))["size"] == expected


async def test_webhooks_see_what_policies_have_made_and_policies_look_again_at_what_webhooks_made(
    cluster: Cluster, tmp_path: Path
) -> None:
    size = adding("size", "string(size(object.?data.orValue({})))")
    await policy(cluster, size, adding("first"), reinvocationPolicy="IfNeeded")
    async with HookServer(tmp_path) as hooks:
        hook = hooks.hook("change", patching({"op": "add", "path": "/data/hook", "value": "y"}), "configmaps")
        await cluster.client.create(MUTATING_WEBHOOK_CONFIGURATIONS, {"metadata": {"name": "h"}, "webhooks": [hook]})
        assert await made(cluster, z="z") == {"z": "z", "first": "x", "hook": "y", "size": "4"}
        [(_, request)] = hooks.asked
    assert request["object"]["data"] == {"z": "z", "first": "x", "size": "1"}


async def test_what_a_policy_makes_is_held_to_the_policies_that_validate(cluster: Cluster) -> None:
    await policy(cluster, adding("bad"))
    rule = {"matchConstraints": {"resourceRules": [MAPS]}, "validations": [{"expression": "!has(object.data.bad)"}]}
    await cluster.client.create(VALIDATING_ADMISSION_POLICIES, {"metadata": {"name": "v"}, "spec": rule})
    bound = {"policyName": "v", "validationActions": ["Deny"]}
    await cluster.client.create(VALIDATING_ADMISSION_POLICY_BINDINGS, {"metadata": {"name": "v"}, "spec": bound})
    with pytest.raises(ApiError, match="failed expression"):
        await made(cluster, z="z")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Object{data: Object.data{x: object.nosuch}}", "no such key: nosuch"),
        ("Object{nosuch: 1}", r"error applying patch: .*\.nosuch: field not declared in schema"),
        (
            "Object{data: {'a': 1}}",
            r"\.data\.a: expected string, got &value.valueUnstructured{Value:1}|expected string",
        ),
        ("object.metadata.name", "must evaluate to an Object"),
        ("[JSONPatch{op: 'remove', path: '/data/nosuch'}]", "JSON Patch: "),
        ("[JSONPatch{op: 'add', path: '/metadata/name', value: 'other'}]", "name"),
    ],
)
@pytest.mark.parametrize("failure", ["Fail", "Ignore"])
async def test_what_cannot_be_done_is_for_the_failure_policy_to_judge(
    cluster: Cluster, text: str, says: str, failure: str
) -> None:
    await policy(cluster, text, failurePolicy=failure)
    if failure == "Ignore":
        assert await made(cluster, z="z") == {"z": "z"}
        return
    with pytest.raises(ApiError, match=says) as error:
        await made(cluster, z="z")
    assert error.value.message.startswith("policy 'p' with binding 'p' denied request: ")
    assert (error.value.code, error.value.reason) == (403, "Invalid")


async def test_what_would_be_replaced_as_a_whole_is_not_merged(cluster: Cluster) -> None:
    selector = "Object{spec: Object.spec{selector: Object.spec.selector{matchLabels: {'x': 'y'}}}}"
    await policy(cluster, selector, rule=DEPLOYMENTS_RULE)
    with pytest.raises(ApiError, match=r"may not mutate atomic arrays, maps or structs: \.spec\.selector"):
        await cluster.client.create(DEPLOYMENTS, deployment("a"), "demo")


async def test_bindings_choose_requests_and_parameters(cluster: Cluster) -> None:
    await cluster.client.create(NAMESPACES, {"metadata": {"name": "ruled", "labels": {"rule": "yes"}}})
    await cluster.client.create(CONFIG_MAPS, config_map("settings", colour="blue"), "ruled")
    binding = {
        "paramRef": {"name": "settings", "parameterNotFoundAction": "Deny"},
        "matchResources": {"namespaceSelector": {"matchLabels": {"rule": "yes"}}},
    }
    kind = {"apiVersion": "v1", "kind": "ConfigMap"}
    await policy(cluster, adding("colour", "params.data.colour"), paramKind=kind, binding=binding)
    assert await made(cluster, z="z") == {"z": "z"}
    created = await cluster.client.create(CONFIG_MAPS, config_map("a"), "ruled")
    assert created["data"] == {"colour": "blue"}
    await cluster.client.delete(CONFIG_MAPS, "settings", "ruled")
    with pytest.raises(ApiError, match="failed to configure binding: no params found"):
        await cluster.client.create(CONFIG_MAPS, config_map("b"), "ruled")


async def test_nobody_owns_what_a_policy_has_set_and_an_update_is_changed_as_well(cluster: Cluster) -> None:
    await policy(cluster, adding("mark"))
    await made(cluster, z="z")
    changed = await cluster.client.patch(CONFIG_MAPS, "a", {"data": {"mark": "y", "w": "w"}}, "demo")
    assert changed["data"] == {"z": "z", "w": "w", "mark": "x"}


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"mutations": []}, r"spec\.mutations: Required value: mutations must contain at least one item"),
        ({"reinvocationPolicy": ""}, r"spec\.reinvocationPolicy: Required value"),
        ({"reinvocationPolicy": "Always"}, r'Unsupported value: "Always": supported values: "IfNeeded", "Never"'),
        ({"mutations": [{"patchType": "Merge"}]}, r"mutations\[0\]\.patchType: Unsupported value"),
        ({"mutations": [{"patchType": "JSONPatch"}]}, r"jsonPatch: Required value: must be specified when patchType"),
        (
            {"mutations": [mutation("Object{}") | {"patchType": "JSONPatch", "jsonPatch": {"expression": "[]"}}]},
            r"applyConfiguration: Invalid value: .*must not be specified when patchType is JSONPatch",
        ),
        ({"mutations": [mutation("Object{spec: Object.status{}}")]}, "type mismatch: unexpected type name"),
        ({"mutations": [mutation("1")]}, "must evaluate to dyn"),
        ({"mutations": [mutation("'JSONPatch{'")]}, "must evaluate to list<dyn> or dyn"),
        ({"mutations": [mutation("Object{a: nosuch}")]}, "undeclared reference to 'nosuch'"),
        (
            {"matchConstraints": {"resourceRules": [{**MAPS, "operations": ["DELETE"]}]}},
            r'resourceRules\.operations: Unsupported value: "DELETE": supported values: "CREATE", "UPDATE"',
        ),
    ],
)
async def test_a_policy_that_makes_no_sense_is_refused(cluster: Cluster, spec: Object, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        await policy(cluster, "Object{}", **spec)


async def test_kubectl_shows_both(cluster: Cluster) -> None:
    await policy(
        cluster, "Object{}", "Object{}", binding={"paramRef": {"name": "x", "parameterNotFoundAction": "Allow"}}
    )
    _, out, _ = await cluster.kubectl("get", "mutatingadmissionpolicies")
    assert out.split()[:8] == ["NAME", "MUTATIONS", "PARAMKIND", "AGE", "p", "2", "<unset>", out.split()[7]]
    _, out, _ = await cluster.kubectl("get", "mutatingadmissionpolicybindings")
    assert out.split()[:7] == ["NAME", "POLICYNAME", "PARAMREF", "AGE", "p", "p", "*/x"]
