"""Create, get, list, update, patch and delete, on every transport."""

import pytest

from wherry.objects import Object
from wherry.objects.errors import AlreadyExists, ApiError, BadRequest, Conflict, Invalid, NotFound
from wherry.objects.resource import CONFIG_MAPS, DEPLOYMENTS, NAMESPACES, NODES, PODS, SERVICES


def config_map(name: str, labels: dict[str, str] | None = None, **data: str) -> Object:
    metadata = {"name": name, "labels": labels} if labels else {"name": name}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


def pod(name: str) -> Object:
    spec = {"containers": [{"name": "c", "image": "busybox"}]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def node(name: str) -> Object:
    return {"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}}


async def test_create_gives_an_object_its_identity_and_get_finds_it(client):
    made = await client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    meta = made["metadata"]
    assert (meta["namespace"], meta["name"]) == ("demo", "a")
    assert meta["uid"]
    assert meta["creationTimestamp"]
    assert meta["resourceVersion"]
    got = await client.get(CONFIG_MAPS, "a", "demo")
    assert got["data"] == {"x": "1"}
    assert got["metadata"] == meta
    assert (got["apiVersion"], got["kind"]) == ("v1", "ConfigMap")


async def test_the_namespace_may_come_with_the_object(client):
    obj = config_map("a")
    obj["metadata"]["namespace"] = "demo"
    assert (await client.create(CONFIG_MAPS, obj))["metadata"]["namespace"] == "demo"


async def test_a_namespace_that_contradicts_the_object_is_refused(client):
    obj = config_map("a")
    obj["metadata"]["namespace"] = "demo"
    with pytest.raises(BadRequest, match="namespace of the provided object does not match"):
        await client.create(CONFIG_MAPS, obj, "other")


async def test_a_name_that_is_taken_is_already_exists(client):
    await client.create(CONFIG_MAPS, config_map("a"), "demo")
    with pytest.raises(AlreadyExists, match='configmaps "a" already exists') as caught:
        await client.create(CONFIG_MAPS, config_map("a"), "demo")
    assert caught.value.code == 409
    assert caught.value.details["name"] == "a"


async def test_the_same_name_in_another_namespace_is_another_object(client):
    first = await client.create(CONFIG_MAPS, config_map("a"), "demo")
    second = await client.create(CONFIG_MAPS, config_map("a"), "other")
    assert first["metadata"]["uid"] != second["metadata"]["uid"]


async def test_generate_name_makes_a_name_of_its_own_each_time(client):
    obj = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "x-"}}
    names = {(await client.create(CONFIG_MAPS, obj, "demo"))["metadata"]["name"] for _ in range(5)}
    assert len(names) == 5
    assert all(n.startswith("x-") and len(n) == 7 for n in names)


async def test_an_object_without_any_name_is_refused(client):
    with pytest.raises((BadRequest, Invalid), match="name or generateName is required"):
        await client.create(CONFIG_MAPS, {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {}}, "demo")


async def test_what_the_caller_does_to_its_object_afterwards_stays_with_the_caller(client):
    mine = config_map("a", x="1")
    await client.create(CONFIG_MAPS, mine, "demo")
    mine["data"]["x"] = "2"
    assert (await client.get(CONFIG_MAPS, "a", "demo"))["data"] == {"x": "1"}


async def test_what_is_not_there_is_not_found_by_every_verb(client):
    for call in (
        client.get(CONFIG_MAPS, "a", "demo"),
        client.update(CONFIG_MAPS, {**config_map("a"), "metadata": {"name": "a", "namespace": "demo"}}),
        client.patch(CONFIG_MAPS, "a", {"data": {}}, "demo"),
        client.delete(CONFIG_MAPS, "a", "demo"),
    ):
        with pytest.raises(NotFound, match='configmaps "a" not found'):
            await call


async def test_list_selects_by_namespace_labels_and_fields(client):
    await client.create(CONFIG_MAPS, config_map("a", {"tier": "web"}), "demo")
    await client.create(CONFIG_MAPS, config_map("b", {"tier": "db"}), "demo")
    await client.create(CONFIG_MAPS, config_map("a", {"tier": "web"}), "other")

    async def names(*args, **selectors):
        listed = await client.list(CONFIG_MAPS, *args, **selectors)
        found = [o["metadata"] for o in listed.items]
        return [(m["namespace"], m["name"]) for m in found if m["namespace"] in ("demo", "other")]

    assert await names("demo") == [("demo", "a"), ("demo", "b")]
    assert await names(labels="tier=web") == [("demo", "a"), ("other", "a")]
    assert await names("demo", labels="tier in (web,db),tier!=web") == [("demo", "b")]
    assert await names("demo", fields="metadata.name=b") == [("demo", "b")]
    assert await names("demo", labels="!tier") == []


async def test_listed_objects_know_their_kind(client):
    await client.create(CONFIG_MAPS, config_map("a"), "demo")
    (only,) = (await client.list(CONFIG_MAPS, "demo", labels="", fields="metadata.name=a")).items
    assert (only["apiVersion"], only["kind"]) == ("v1", "ConfigMap")


async def test_pods_are_selected_by_the_node_they_are_on(client):
    for name in ("a", "b"):
        await client.create(PODS, pod(name), "demo")
    await bind(client, "a", "n1")
    assert [o["metadata"]["name"] for o in (await client.list(PODS, fields="spec.nodeName=n1")).items] == ["a"]
    assert [o["metadata"]["name"] for o in (await client.list(PODS, "demo", fields="spec.nodeName=")).items] == ["b"]


async def test_a_malformed_selector_is_a_bad_request(client):
    with pytest.raises(BadRequest):
        await client.list(CONFIG_MAPS, "demo", labels="a in b")


async def test_update_replaces_and_changes_the_version(client):
    made = await client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    changed = await client.update(CONFIG_MAPS, {**made, "data": {"y": "2"}})
    assert changed["data"] == {"y": "2"}
    assert changed["metadata"]["uid"] == made["metadata"]["uid"]
    assert changed["metadata"]["resourceVersion"] != made["metadata"]["resourceVersion"]


async def test_an_update_from_an_old_version_is_a_conflict_and_changes_nothing(client):
    made = await client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    await client.update(CONFIG_MAPS, {**made, "data": {"x": "2"}})
    with pytest.raises(Conflict, match="the object has been modified"):
        await client.update(CONFIG_MAPS, {**made, "data": {"x": "3"}})
    assert (await client.get(CONFIG_MAPS, "a", "demo"))["data"] == {"x": "2"}


async def test_an_update_without_a_version_is_unconditional(client):
    await client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    obj = config_map("a", x="2")
    obj["metadata"]["namespace"] = "demo"
    assert (await client.update(CONFIG_MAPS, obj))["data"] == {"x": "2"}


async def test_an_update_that_changes_nothing_keeps_the_version(client):
    made = await client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    same = await client.update(CONFIG_MAPS, made)
    assert same["metadata"]["resourceVersion"] == made["metadata"]["resourceVersion"]


async def test_merge_patch_changes_adds_and_removes(client):
    await client.create(CONFIG_MAPS, config_map("a", x="1", y="2"), "demo")
    patch = {"data": {"x": None, "z": "3"}, "metadata": {"labels": {"l": "v"}}}
    changed = await client.patch(CONFIG_MAPS, "a", patch, "demo")
    assert changed["data"] == {"y": "2", "z": "3"}
    assert changed["metadata"]["labels"] == {"l": "v"}


async def test_json_patch_is_applied_whole_or_not_at_all(client):
    await client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    good = [{"op": "test", "path": "/data/x", "value": "1"}, {"op": "replace", "path": "/data/x", "value": "2"}]
    assert (await client.patch(CONFIG_MAPS, "a", good, "demo", type="json"))["data"] == {"x": "2"}
    with pytest.raises(ApiError) as caught:
        await client.patch(CONFIG_MAPS, "a", good, "demo", type="json")
    assert caught.value.code in (400, 422)
    assert (await client.get(CONFIG_MAPS, "a", "demo"))["data"] == {"x": "2"}


async def test_a_patch_that_names_an_old_version_is_a_conflict(client):
    made = await client.create(CONFIG_MAPS, config_map("a", x="1"), "demo")
    await client.patch(CONFIG_MAPS, "a", {"data": {"x": "2"}}, "demo")
    version = made["metadata"]["resourceVersion"]
    with pytest.raises(Conflict):
        await client.patch(CONFIG_MAPS, "a", {"metadata": {"resourceVersion": version}, "data": {"x": "3"}}, "demo")


async def test_a_deleted_object_is_gone(client):
    await client.create(CONFIG_MAPS, config_map("a"), "demo")
    await client.delete(CONFIG_MAPS, "a", "demo")
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAPS, "a", "demo")


async def test_delete_spares_another_object_of_the_same_name(client):
    await client.create(CONFIG_MAPS, config_map("a"), "demo")
    with pytest.raises(Conflict, match="UID in precondition: not-this-one"):
        await client.delete(CONFIG_MAPS, "a", "demo", uid="not-this-one")
    await client.get(CONFIG_MAPS, "a", "demo")


async def test_a_finalizer_holds_a_deleted_object_until_it_is_removed(client):
    obj = config_map("a")
    obj["metadata"]["finalizers"] = ["example.com/hold"]
    await client.create(CONFIG_MAPS, obj, "demo")
    await client.delete(CONFIG_MAPS, "a", "demo")
    held = await client.get(CONFIG_MAPS, "a", "demo")
    assert held["metadata"]["deletionTimestamp"]
    await client.patch(CONFIG_MAPS, "a", {"metadata": {"finalizers": None}}, "demo")
    with pytest.raises(NotFound):
        await client.get(CONFIG_MAPS, "a", "demo")


async def test_a_pod_on_a_node_is_deleted_gracefully(client):
    await client.create(PODS, pod("a"), "demo")
    await bind(client, "a", "n1")
    await client.delete(PODS, "a", "demo", grace_period_seconds=7)
    going = await client.get(PODS, "a", "demo")
    assert going["metadata"]["deletionGracePeriodSeconds"] == 7
    await client.delete(PODS, "a", "demo", grace_period_seconds=0)
    with pytest.raises(NotFound):
        await client.get(PODS, "a", "demo")


async def test_a_pod_on_no_node_is_deleted_at_once(client):
    await client.create(PODS, pod("a"), "demo")
    await client.delete(PODS, "a", "demo")
    with pytest.raises(NotFound):
        await client.get(PODS, "a", "demo")


async def test_a_pod_is_bound_once(client):
    await client.create(PODS, pod("a"), "demo")
    await bind(client, "a", "n1")
    bound = await client.get(PODS, "a", "demo")
    assert bound["spec"]["nodeName"] == "n1"
    assert [c["status"] for c in bound["status"]["conditions"] if c["type"] == "PodScheduled"] == ["True"]
    with pytest.raises(Conflict, match='pod a is already assigned to node "n1"'):
        await bind(client, "a", "n2")


async def bind(client, name: str, node_name: str) -> None:
    target = {"apiVersion": "v1", "kind": "Node", "name": node_name}
    binding = {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": target}
    await client.create(PODS, binding, "demo", name=name, subresource="binding")


async def test_status_is_written_through_its_subresource_only(client):
    made = await client.create(PODS, {**pod("a"), "status": {"phase": "Running"}}, "demo")
    assert made["status"]["phase"] == "Pending"
    plain = await client.patch(PODS, "a", {"status": {"phase": "Running"}}, "demo")
    assert plain["status"]["phase"] == "Pending"
    patch = {"status": {"phase": "Running"}, "spec": {"nodeName": "n1"}}
    status = await client.patch(PODS, "a", patch, "demo", subresource="status")
    assert status["status"]["phase"] == "Running"
    assert "nodeName" not in status["spec"]
    status = await client.update(PODS, {**status, "status": {"phase": "Failed"}}, subresource="status")
    assert status["status"]["phase"] == "Failed"


async def test_generation_counts_changes_of_the_spec_only(client):
    template = {"metadata": {"labels": {"app": "a"}}, "spec": pod("x")["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": {"app": "a"}}, "template": template}
    obj = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a"}, "spec": spec}
    assert (await client.create(DEPLOYMENTS, obj, "demo"))["metadata"]["generation"] == 1
    status = {"status": {"observedGeneration": 1}}
    await client.patch(DEPLOYMENTS, "a", status, "demo", subresource="status")
    await client.patch(DEPLOYMENTS, "a", {"metadata": {"annotations": {"k": "v"}}}, "demo")
    changed = await client.patch(DEPLOYMENTS, "a", {"spec": {"replicas": 3}}, "demo")
    assert changed["metadata"]["generation"] == 2
    assert changed["status"]["observedGeneration"] == 1


async def test_cluster_scoped_objects_have_no_namespace(client):
    made = await client.create(NODES, node("n1"))
    assert "namespace" not in made["metadata"]
    assert (await client.get(NODES, "n1"))["metadata"]["uid"] == made["metadata"]["uid"]
    assert "demo" in [o["metadata"]["name"] for o in (await client.list(NAMESPACES)).items]


async def test_strategic_merge_merges_lists_by_their_key(client):
    ports = [{"name": "http", "port": 80}, {"name": "metrics", "port": 9090}]
    spec = {"ports": ports, "selector": {"app": "a"}}
    await client.create(
        SERVICES, {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a"}, "spec": spec}, "demo"
    )
    patch = {"spec": {"ports": [{"port": 9090, "targetPort": 9999}]}}
    changed = await client.patch(SERVICES, "a", patch, "demo", type="strategic")
    assert {p["port"]: p.get("targetPort") for p in changed["spec"]["ports"]}[9090] == 9999
    assert len(changed["spec"]["ports"]) == 2
