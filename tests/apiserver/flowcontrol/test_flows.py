"""Which flow a request is of, by the schemas there are; what levels have; and that both count at once."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.harness import Cluster, until
from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.flowcontrol import levels, schemas
from wherry.apiserver.flowcontrol.levels import Limits
from wherry.apiserver.flowcontrol.schemas import Asking, Flow
from wherry.apiserver.kinds.flowcontrol import suggested
from wherry.apiserver.user import ANONYMOUS, User
from wherry.objects import Object
from wherry.objects.errors import Invalid
from wherry.objects.resource import FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS

LIST_PODS = Attributes(verb="list", version="v1", plural="pods", namespace="demo")
ACCOUNTS = ("system:serviceaccounts", "system:authenticated")
ADMIN = User("kubernetes-admin", ("system:masters", "system:authenticated"))
NODE = User("system:node:n1", ("system:nodes", "system:authenticated"))
JANE = User("jane", ("system:authenticated",))
MANAGER = User("system:kube-controller-manager", ("system:authenticated",))


def lease(verb: str) -> Attributes:
    return Attributes(verb=verb, group="coordination.k8s.io", plural="leases", namespace="x")


def account(namespace: str, name: str = "a") -> User:
    return User(f"system:serviceaccount:{namespace}:{name}", (*ACCOUNTS, f"system:serviceaccounts:{namespace}"))


def placed(user: User, attributes: Attributes = LIST_PODS, address: str = "", more: list[Object] | None = None) -> Flow:
    known = [*(level["metadata"]["name"] for level in suggested.LEVELS), "mine"]
    listed = schemas.read([*suggested.SCHEMAS, *(more or [])], known)
    asking = Asking(user, attributes, address)
    return next(flow for schema in listed if (flow := schema.flow(asking)))


@pytest.mark.parametrize(
    ("user", "schema", "level", "name"),
    [
        (ADMIN, "exempt", "administrators", "kubernetes-admin"),
        (NODE, "system-nodes", "system", "system:node:n1"),
        (MANAGER, "kube-controller-manager", "workload-high", "demo"),
        (account("kube-system"), "kube-system-service-accounts", "workload-high", "demo"),
        (account("demo"), "service-accounts", "workload-low", "system:serviceaccount:demo:a"),
        (JANE, "global-default", "global-default", "jane"),
        (ANONYMOUS, "global-default", "global-default", "10.0.0.1"),
        (User("odd"), "", "", ""),
    ],
)
def test_each_kind_of_client_has_its_level(user: User, schema: str, level: str, name: str) -> None:
    if not schema:
        with pytest.raises(StopIteration):
            placed(user)
    else:
        flow = placed(user, address="10.0.0.1")
        assert (flow.schema, flow.level, flow.name) == (schema, level, name)


@pytest.mark.parametrize(
    ("user", "attributes", "schema"),
    [
        (ANONYMOUS, Attributes(verb="get", path="/readyz"), "probes"),
        (ANONYMOUS, Attributes(verb="get", path="/version"), "global-default"),
        (NODE, Attributes(verb="patch", plural="nodes", subresource="status", name="n1"), "system-node-high"),
        (NODE, lease("update"), "system-node-high"),
        (NODE, Attributes(verb="list", group="coordination.k8s.io", plural="leases"), "system-nodes"),
        (MANAGER, lease("update"), "system-leader-election"),
        (MANAGER, lease("list"), "kube-controller-manager"),
    ],
)
def test_what_is_asked_for_decides_as_well(user: User, attributes: Attributes, schema: str) -> None:
    assert placed(user, attributes).schema == schema


def mine(precedence: int = 50, by: str = "", level: str = "mine", **rule: Any) -> Object:
    subjects = rule.pop("subjects", [{"kind": "User", "user": {"name": "jane"}}])
    resources = {"verbs": ["list"], "apiGroups": [""], "resources": ["pods"], "namespaces": ["demo"], **rule}
    spec = {
        "priorityLevelConfiguration": {"name": level},
        "matchingPrecedence": precedence,
        "rules": [{"subjects": subjects, "resourceRules": [resources]}],
    }
    if by:
        spec["distinguisherMethod"] = {"type": by}
    return {"metadata": {"name": "mine", "uid": "u"}, "spec": spec}


@pytest.mark.parametrize(
    ("schema", "is_mine"),
    [
        (mine(), True),
        (mine(precedence=9901), False),
        (mine(level="nosuch"), False),
        (mine(verbs=["get"]), False),
        (mine(verbs=["*"], resources=["*"], namespaces=["*"], apiGroups=["*"]), True),
        (mine(namespaces=["other"]), False),
        (mine(namespaces=[], clusterScope=True), False),
        (mine(resources=["pods/log"]), False),
        (mine(subjects=[{"kind": "Group", "group": {"name": "system:authenticated"}}]), True),
        (mine(subjects=[{"kind": "ServiceAccount", "serviceAccount": {"namespace": "demo", "name": "*"}}]), False),
    ],
)
def test_a_schema_of_ones_own_is_about_what_it_says(schema: Object, is_mine: bool) -> None:
    assert (placed(JANE, more=[schema]) == Flow("mine", "mine", "", "u")) == is_mine


def test_levels_have_seats_by_their_shares_and_queues_as_long_as_a_hand() -> None:
    found = levels.read(suggested.LEVELS, 245)
    assert found["system"] == Limits(30, 300, 3200)
    assert found["catch-all"] == Limits(5, 0, 0)
    assert found["leader-election"] == Limits(10, 200, 800)
    assert "exempt" not in found
    assert sum(limits.seats for limits in found.values()) == 245 + levels.OF_ADMINISTRATORS


def limited(response: Object, **more: int) -> Object:
    return {"type": "Limited", "limited": {"limitResponse": response, **more}}


def queuing(**fields: int) -> Object:
    return limited({"type": "Queue", "queuing": fields})


async def uids(cluster: Cluster) -> tuple[str, str]:
    _, headers, _ = await cluster.request("GET", "/api/v1/namespaces/demo/pods")
    return headers["x-kubernetes-pf-flowschema-uid"], headers["x-kubernetes-pf-prioritylevel-uid"]


async def test_an_answer_says_what_placed_the_request(cluster: Cluster) -> None:
    schema = await cluster.client.get(FLOW_SCHEMAS, "exempt")
    level = await cluster.client.get(PRIORITY_LEVEL_CONFIGURATIONS, "exempt")
    assert await uids(cluster) == (schema["metadata"]["uid"], level["metadata"]["uid"])


async def test_a_schema_and_a_level_count_from_the_moment_they_are_written(cluster: Cluster) -> None:
    jane = {"subjects": [{"kind": "User", "user": {"name": "jane"}}]}
    await cluster.client.create(FLOW_SCHEMAS, mine(**jane, level="late") | {"kind": "FlowSchema"})
    asked = {"Impersonate_User": "jane"}

    async def placed_by() -> str:
        _, headers, _ = await cluster.request("GET", "/api/v1/namespaces/demo/pods", **asked)
        return str(headers["x-kubernetes-pf-flowschema-uid"])

    default = await cluster.client.get(FLOW_SCHEMAS, "global-default")
    assert await placed_by() == default["metadata"]["uid"]
    spec = limited({"type": "Reject"}, nominalConcurrencyShares=5)
    await cluster.client.create(PRIORITY_LEVEL_CONFIGURATIONS, {"metadata": {"name": "late"}, "spec": spec})
    assert await placed_by() == (await cluster.client.get(FLOW_SCHEMAS, "mine"))["metadata"]["uid"]


async def test_a_schema_says_whether_its_level_is_there(cluster: Cluster) -> None:
    async def dangling(wanted: str) -> bool:
        found = (await cluster.client.get(FLOW_SCHEMAS, "mine")).get("status") or {}
        return wanted == "".join(f"{c['status']} {c['reason']}" for c in found.get("conditions") or ())

    await cluster.client.create(FLOW_SCHEMAS, mine(level="late"))
    await until(lambda: dangling("True NotFound"))
    spec = limited({"type": "Reject"})
    await cluster.client.create(PRIORITY_LEVEL_CONFIGURATIONS, {"metadata": {"name": "late"}, "spec": spec})
    await until(lambda: dangling("False Found"))
    await cluster.client.delete(PRIORITY_LEVEL_CONFIGURATIONS, "late")
    await until(lambda: dangling("True NotFound"))


@pytest.mark.parametrize("resource", [FLOW_SCHEMAS, PRIORITY_LEVEL_CONFIGURATIONS], ids=lambda r: r.plural)
async def test_what_must_be_there_comes_again_and_cannot_be_changed(cluster: Cluster, resource: Any) -> None:
    before = await cluster.client.get(resource, "catch-all")
    await cluster.client.delete(resource, "catch-all")

    async def is_another() -> bool:
        found = {obj["metadata"]["name"]: obj["metadata"]["uid"] for obj in (await cluster.client.list(resource)).items}
        return found.get("catch-all", before["metadata"]["uid"]) != before["metadata"]["uid"]

    await until(is_another)
    change = {"matchingPrecedence": 9999} if resource == FLOW_SCHEMAS else {"limited": {"nominalConcurrencyShares": 6}}
    with pytest.raises(Invalid, match="spec of 'catch-all' must equal the fixed value"):
        await cluster.client.patch(resource, "catch-all", {"spec": change})


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ({"type": "Exempt"}, "must be 'Exempt' if and only if `name` is 'exempt'"),
        ({"type": "Limited"}, r"spec\.limited: Required value: must not be empty when type is Limited"),
        (limited({"type": "Queue"}), r"limitResponse\.queuing: Required value"),
        (queuing(queues=5), r"handSize: Invalid value: 8: should not be greater than queues \(5\)"),
        (
            queuing(queues=512, handSize=8),
            "required entropy bits of deckSize 512 and handSize 8 should not be greater than 60",
        ),
        (limited({"type": "Reject"}, lendablePercent=101), "between 0 and 100"),
    ],
)
async def test_a_level_that_makes_no_sense_is_refused(cluster: Cluster, spec: Object, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        await cluster.client.create(PRIORITY_LEVEL_CONFIGURATIONS, {"metadata": {"name": "a"}, "spec": spec})


@pytest.mark.parametrize(
    ("schema", "says"),
    [
        (mine(precedence=1), "only the schema named 'exempt' may have matchingPrecedence 1"),
        (mine(precedence=10001), "must not be greater than 10000"),
        (mine(by="ByColour"), r'Unsupported value: "ByColour": supported values: "ByNamespace", "ByUser"'),
        (mine(level=""), "must reference a priority level"),
        (mine(verbs=["*", "get"]), r"if '\*' is present, must not specify other verbs"),
        (mine(verbs=["look"]), "Unsupported value"),
        (mine(namespaces=[]), "must supply at least one namespace"),
        (mine(namespaces=["A"]), r"each member of this list must be '\*' or a DNS-1123 label"),
        (mine(subjects=[]), "subjects must contain at least one value"),
        (mine(subjects=[{"kind": "User"}]), "user is required when subject kind is 'User'"),
        (mine(subjects=[{"kind": "Robot"}]), r'Unsupported value: "Robot"'),
        (mine(subjects=[{"kind": "ServiceAccount", "serviceAccount": {"name": "a"}}]), "must specify namespace"),
        (
            mine(subjects=[{"kind": "User", "user": {"name": "a"}, "group": {"name": "b"}}]),
            "group is forbidden when subject kind is not 'Group'",
        ),
    ],
)
async def test_a_schema_that_makes_no_sense_is_refused(cluster: Cluster, schema: Object, says: str) -> None:
    with pytest.raises(Invalid, match=says):
        await cluster.client.create(FLOW_SCHEMAS, schema)


async def test_what_is_not_acted_upon_is_warned_of_and_kubectl_shows_both(cluster: Cluster) -> None:
    manifest = """
apiVersion: flowcontrol.apiserver.k8s.io/v1
kind: PriorityLevelConfiguration
metadata: {name: a}
spec:
  type: Limited
  limited: {lendablePercent: 50, limitResponse: {type: Queue, queuing: {}}}
"""
    code, _, err = await cluster.kubectl("apply", "-f", "-", input=manifest)
    assert (code, "spec.limited.lendablePercent: not acted upon by wherry" in err) == (0, True)
    _, out, _ = await cluster.kubectl("get", "prioritylevelconfigurations", "a", "--no-headers")
    assert out.split()[:6] == ["a", "Limited", "30", "64", "8", "50"]
    _, out, _ = await cluster.kubectl("get", "flowschemas", "probes", "--no-headers")
    assert out.split()[:4] == ["probes", "exempt", "2", "<none>"]
