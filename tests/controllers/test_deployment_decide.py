"""One step of a Deployment, decided without any API."""

from __future__ import annotations

from typing import Any

from tests.controllers.builders import NOW, deployment, template
from wherry.controllers.deployment.decide import Decision, decide
from wherry.controllers.deployment.revision import make_replica_set, superfluous
from wherry.controllers.deployment.rollout import RolloutBounds
from wherry.objects import Object
from wherry.objects.timestamps import rfc3339


def replica_set(image: str, revision: int, wanted: int, available: int | None = None, *, desired: int = 3) -> Object:
    made = make_replica_set(deployment(desired, image), revision, wanted, RolloutBounds(desired, 1, 0))
    count = wanted if available is None else available
    status = {"replicas": wanted, "availableReplicas": count, "readyReplicas": count, "observedGeneration": 1}
    made["metadata"] |= {"uid": f"rs-{image}", "generation": 1, "creationTimestamp": rfc3339(NOW - 1000 + revision)}
    return made | {"status": status}


def step(target: Object, *sets: Object, running: bool = False, now: float = NOW) -> Decision:
    return decide(target, list(sets), lambda rs: running, now)


def progressing(status: str, reason: str, updated: float) -> Object:
    at = rfc3339(updated)
    return {"type": "Progressing", "status": status, "reason": reason, "lastUpdateTime": at, "lastTransitionTime": at}


def conditions(decision: Decision) -> dict[str, tuple[str, str, str]]:
    return {c["type"]: (c["status"], c["reason"], c["message"]) for c in decision.status["conditions"]}


def sizes(decision: Decision) -> dict[str, int]:
    return {new["metadata"]["uid"]: new["spec"]["replicas"] for _, new in decision.rewrite}


def test_the_first_replica_set_takes_all_replicas() -> None:
    decision = step(deployment(3))
    assert decision.create is not None
    assert decision.create["spec"]["replicas"] == 3
    assert decision.revision == "1"
    name = decision.create["metadata"]["name"]
    assert conditions(decision)["Progressing"] == (
        "True",
        "NewReplicaSetCreated",
        f'Created new replica set "{name}"',
    )


def test_equal_templates_have_equal_names_and_collisions_another() -> None:
    plain, again = step(deployment(3)).create, step(deployment(5)).create
    collided = step(deployment(3) | {"status": {"collisionCount": 1}}).create
    assert plain
    assert again
    assert collided
    assert plain["metadata"]["name"] == again["metadata"]["name"] != collided["metadata"]["name"]


def test_a_new_template_starts_with_what_surge_allows() -> None:
    decision = step(deployment(3, "web:2"), replica_set("web:1", 1, 3))
    assert decision.create is not None
    assert decision.create["spec"]["replicas"] == 1
    assert decision.create["metadata"]["annotations"]["deployment.kubernetes.io/revision"] == "2"


def test_a_finished_rollout_is_complete_and_then_nothing_changes() -> None:
    target = deployment(3)
    done = step(target, replica_set("web:1", 1, 3))
    name = replica_set("web:1", 1, 3)["metadata"]["name"]
    assert conditions(done)["Progressing"] == (
        "True",
        "NewReplicaSetAvailable",
        f'ReplicaSet "{name}" has successfully progressed.',
    )
    assert conditions(done)["Available"] == (
        "True",
        "MinimumReplicasAvailable",
        "Deployment has minimum availability.",
    )
    again = step(target | {"status": done.status}, replica_set("web:1", 1, 3), now=NOW + 999)
    assert again.status == done.status
    assert (again.create, again.rewrite, again.delete, again.look_again) == (None, [], [], None)


def test_a_stuck_rollout_times_out_and_says_when_to_look() -> None:
    stuck = {"conditions": [progressing("True", "ReplicaSetUpdated", NOW - 100)], "replicas": 1, "updatedReplicas": 1}
    target = deployment(1, progressDeadlineSeconds=600) | {"status": stuck}
    broken = replica_set("web:1", 1, 1, available=0, desired=1)
    early = step(target, broken)
    assert early.look_again == 501
    late = step(target, broken, now=NOW + 501)
    assert conditions(late)["Progressing"][:2] == ("False", "ProgressDeadlineExceeded")
    assert conditions(late)["Available"][:2] == ("False", "MinimumReplicasUnavailable")
    assert late.look_again is None


def test_a_pause_stops_the_rollout_but_not_a_scaling() -> None:
    old = replica_set("web:1", 1, 3)
    paused = step(deployment(3, "web:2", paused=True), old)
    assert (paused.create, paused.rewrite) == (None, [])
    assert conditions(paused)["Progressing"] == ("Unknown", "DeploymentPaused", "Deployment is paused")
    assert sizes(step(deployment(5, "web:2", paused=True), old)) == {"rs-web:1": 5}


def test_time_spent_in_a_pause_does_not_count_as_standing_still() -> None:
    numbers = {"replicas": 1, "updatedReplicas": 1}
    was_paused = numbers | {"conditions": [progressing("Unknown", "DeploymentPaused", NOW - 9999)]}
    resumed = step(deployment(1) | {"status": was_paused}, replica_set("web:1", 1, 1, available=0, desired=1))
    assert conditions(resumed)["Progressing"][:2] == ("Unknown", "DeploymentResumed")


def test_a_recreate_stops_everything_before_it_starts_anew() -> None:
    target = deployment(3, "web:2", strategy={"type": "Recreate"})
    assert sizes(step(target, replica_set("web:1", 1, 3), running=True)) == {"rs-web:1": 0}
    waiting = step(target, replica_set("web:1", 1, 0), running=True)
    assert (waiting.create, waiting.rewrite) == (None, [])
    started = step(target, replica_set("web:1", 1, 0))
    assert started.create is not None
    assert started.create["spec"]["replicas"] == 3


def test_annotations_are_inherited_but_for_those_about_the_deployment_itself() -> None:
    target = deployment(1)
    target["metadata"]["annotations"] = {
        "kubernetes.io/change-cause": "new image",
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "deployment.kubernetes.io/revision": "7",
    }
    made = step(target).create
    assert made is not None
    assert made["metadata"]["annotations"] == {
        "kubernetes.io/change-cause": "new image",
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "1",
        "deployment.kubernetes.io/max-replicas": "2",
    }


def test_old_replica_sets_beyond_the_history_limit_go_only_once_empty() -> None:
    old = [replica_set(f"web:{i}", i, 0) for i in range(1, 5)]
    old[0]["spec"]["replicas"] = 1
    assert superfluous(old, 2) == [old[1]]
    assert superfluous(old, None) == []
    done = step(deployment(3, "web:9", revisionHistoryLimit=0), *old[1:], replica_set("web:9", 9, 3))
    assert [r["metadata"]["uid"] for r in done.delete] == ["rs-web:2", "rs-web:3", "rs-web:4"]


def test_a_failing_replica_set_shows_in_the_deployment() -> None:
    failing: Any = replica_set("web:1", 1, 3, available=0)
    failing["status"]["conditions"] = [
        {"type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "quota"}
    ]
    assert conditions(step(deployment(3), failing))["ReplicaFailure"] == ("True", "FailedCreate", "quota")


def test_a_deployment_being_deleted_only_reports() -> None:
    target = deployment(3, "web:2")
    target["metadata"]["deletionTimestamp"] = rfc3339(NOW)
    decision = step(target, replica_set("web:1", 1, 3))
    assert (decision.create, decision.rewrite) == (None, [])
    assert decision.status["replicas"] == 3


def test_the_template_is_compared_without_its_hash_label() -> None:
    found = step(deployment(3), replica_set("web:1", 1, 3))
    assert found.create is None
    assert template("web:1")["metadata"]["labels"] == {"app": "web"}
