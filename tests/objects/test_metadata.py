from __future__ import annotations

from wherry.objects import metadata

OWNER = {"apiVersion": "apps/v1", "kind": "ReplicaSet", "metadata": {"name": "r", "uid": "u"}}


def test_a_copy_shares_no_container_with_the_original() -> None:
    obj = {"metadata": {"labels": {"a": "b"}}, "spec": {"ports": [{"port": 80}, [1, None]]}}
    other = metadata.copy(obj)
    assert other == obj
    other["spec"]["ports"][0]["port"] = 81  # type: ignore[index]
    other["metadata"]["labels"]["a"] = "c"  # type: ignore[index]
    assert obj == {"metadata": {"labels": {"a": "b"}}, "spec": {"ports": [{"port": 80}, [1, None]]}}


def test_the_key_of_a_cluster_scoped_object_has_no_namespace() -> None:
    assert metadata.key({"metadata": {"name": "n", "namespace": "demo"}}) == ("demo", "n")
    assert metadata.key({"metadata": {"name": "n"}}) == ("", "n")


def test_missing_or_null_metadata_reads_as_empty() -> None:
    for obj in ({}, {"metadata": None}, {"metadata": {"labels": None}}):
        assert metadata.labels(obj) == {}
        assert metadata.annotations(obj) == {}
        assert metadata.controller_of(obj) is None
        assert not metadata.is_being_deleted(obj)


def test_an_owner_reference_names_the_owner_and_can_be_found_again() -> None:
    controlling = metadata.owner_reference(OWNER)
    plain = metadata.owner_reference(OWNER, controller=False, block=False)
    assert controlling == plain | {"controller": True, "blockOwnerDeletion": True}
    assert metadata.controller_of({"metadata": {"ownerReferences": [plain, controlling]}}) is controlling
    assert metadata.controller_of({"metadata": {"ownerReferences": [plain]}}) is None


def test_a_deletion_timestamp_means_being_deleted() -> None:
    assert metadata.is_being_deleted({"metadata": {"deletionTimestamp": "2026-01-02T03:04:05Z"}})


def test_a_new_condition_is_added_after_the_others() -> None:
    before = [{"type": "A", "status": "True"}]
    after = metadata.set_condition(before, "B", "False", "Why", "because", "now")
    assert after == [
        {"type": "A", "status": "True"},
        {"type": "B", "status": "False", "reason": "Why", "message": "because", "lastTransitionTime": "now"},
    ]
    assert before == [{"type": "A", "status": "True"}]


def test_the_transition_time_moves_only_with_the_status() -> None:
    first = metadata.set_condition(None, "Ready", "False", "Starting", "x", "t1")
    same = metadata.set_condition(first, "Ready", "False", "StillStarting", "", "t2")
    turned = metadata.set_condition(same, "Ready", "True", "", "", "t3")
    assert same == [{"type": "Ready", "status": "False", "reason": "StillStarting", "lastTransitionTime": "t1"}]
    assert turned == [{"type": "Ready", "status": "True", "lastTransitionTime": "t3"}]
    assert metadata.condition({"status": {"conditions": turned}}, "Ready") is turned[0]
    assert metadata.condition({"status": {"conditions": turned}}, "Other") is None


def test_setting_a_condition_keeps_the_fields_it_does_not_name() -> None:
    before = [{"type": "Ready", "status": "True", "lastTransitionTime": "t1", "lastHeartbeatTime": "h"}]
    assert metadata.set_condition(before, "Ready", "True", "R", "", "t2")[0]["lastHeartbeatTime"] == "h"
