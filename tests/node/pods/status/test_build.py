"""The status the API is told, from what is observed."""

from __future__ import annotations

from typing import Any

import pytest

from tests.node.build import NOW, UID, container, pod, run, seen
from wherry.node.pods.plan import inheritance
from wherry.node.pods.plan.admission import NODE_PORTS
from wherry.node.pods.plan.state import Failure, State
from wherry.node.pods.status import build as status
from wherry.node.probes.health import ContainerHealth
from wherry.objects import Object, metadata

PROBED = container(readinessProbe={"exec": {"command": ["true"]}})


def build(spec: Object, observed: State, now: float = NOW) -> Object:
    return status.build(spec, observed, now, host_ips=["192.168.51.210"], runtime="runc", recursive=True)


def only(spec: Object, observed: State) -> Object:
    return build(spec, observed)["containerStatuses"][0]


def holds(built: Object, condition: str) -> str:
    found = metadata.condition({"status": built}, condition)
    assert found is not None
    return found["status"]


class TestPhase:
    @pytest.mark.parametrize(
        ("policy", "runs", "phase"),
        [
            ("Always", [], "Pending"),
            ("Always", [run()], "Running"),
            ("Always", [run(exit=1)], "Running"),
            ("OnFailure", [run(exit=0)], "Succeeded"),
            ("OnFailure", [run(exit=1)], "Running"),
            ("Never", [run(exit=0)], "Succeeded"),
            ("Never", [run(exit=1)], "Failed"),
        ],
    )
    def test_it_follows_the_containers(self, policy: str, runs: list[Any], phase: str):
        assert build(pod(restartPolicy=policy), seen(*runs))["phase"] == phase

    def test_it_is_pending_while_init_containers_run(self):
        spec = pod(initContainers=[container("one")])
        assert build(spec, seen(run("one")))["phase"] == "Pending"

    def test_it_has_failed_when_an_init_container_has_and_is_not_repeated(self):
        spec = pod(initContainers=[container("one")], restartPolicy="Never")
        assert build(spec, seen(run("one", exit=2)))["phase"] == "Failed"

    def test_the_end_is_final(self):
        assert build(pod(status={"phase": "Succeeded"}), seen(run(exit=1)))["phase"] == "Succeeded"

    def test_a_pod_that_is_not_taken_in_has_failed_with_the_reason(self):
        built = build(pod(status={"qosClass": "BestEffort"}), State(rejected=NODE_PORTS, started_at=NOW))
        assert (built["phase"], built["reason"], built["qosClass"]) == ("Failed", "NodePorts", "BestEffort")
        assert built["message"].startswith("Pod was rejected: Predicate NodePorts failed: ")
        assert "containerStatuses" not in built

    def test_a_passed_deadline_is_a_failure_with_its_reason(self):
        built = build(pod(activeDeadlineSeconds=60), seen(run(exit=137)))
        assert (built["phase"], built["reason"]) == ("Failed", "DeadlineExceeded")


class TestContainers:
    def test_one_that_was_not_begun_waits(self):
        told = only(pod(), seen())
        assert told["state"] == {"waiting": {"reason": "ContainerCreating"}}
        assert (told["restartCount"], told["ready"], "containerID" in told) == (0, False, False)

    def test_one_behind_init_containers_says_so(self):
        spec = pod(initContainers=[container("one")])
        assert only(spec, seen(run("one")))["state"] == {"waiting": {"reason": "PodInitializing"}}

    def test_a_running_one_tells_its_id_and_start(self):
        told = only(pod(), seen(run()))
        assert told["containerID"] == "runc://web-0"
        assert told["state"] == {"running": {"startedAt": "2027-01-15T07:59:00Z"}}
        assert (told["ready"], told["started"]) == (True, True)

    def test_one_that_backs_off_tells_how_long_and_why_it_ended(self):
        told = only(pod(), seen(run(attempt=0, exit=1), run(attempt=1, exit=3, backoff=20.0)))
        message = f"back-off 20s restarting failed container=web pod=myblog_demo({UID})"
        assert told["state"] == {"waiting": {"reason": "CrashLoopBackOff", "message": message}}
        assert told["lastState"]["terminated"]["exitCode"] == 3
        assert told["restartCount"] == 1

    def test_after_a_restart_the_run_before_is_told(self):
        told = only(pod(), seen(run(exit=1, message="oops"), run(attempt=1)))
        before = told["lastState"]["terminated"]
        assert (before["exitCode"], before["reason"], before["message"]) == (1, "Error", "oops")

    def test_what_keeps_it_from_starting_is_told(self):
        failed = {"web": Failure("ImagePullBackOff", "Back-off pulling image", NOW + 10)}
        expected = {"reason": "ImagePullBackOff", "message": "Back-off pulling image"}
        assert only(pod(), seen(failures=failed))["state"] == {"waiting": expected}

    def test_what_the_node_refuses_is_told(self):
        told = only(pod(), seen(refused="hostPort 80 is not supported by this node"))
        assert told["state"]["waiting"]["reason"] == "CreateContainerConfigError"

    def test_a_completed_one_stays_terminated(self):
        told = only(pod(restartPolicy="Never"), seen(run(exit=0)))
        assert told["state"]["terminated"]["reason"] == "Completed"


class TestConditions:
    def test_ready_follows_the_readiness_probe(self):
        unready = build(pod(PROBED), seen(run(), health={"web-0": ContainerHealth(ready=False)}))
        assert (holds(unready, "Ready"), holds(unready, "ContainersReady")) == ("False", "False")
        condition = metadata.condition({"status": unready}, "Ready")
        assert condition is not None
        assert condition["message"] == "containers with unready status: [web]"
        assert holds(build(pod(PROBED), seen(run(), health={"web-0": ContainerHealth()})), "Ready") == "True"

    def test_ready_waits_for_readiness_gates(self):
        spec = pod(readinessGates=[{"conditionType": "example.com/lb"}])
        built = build(spec, seen(run()))
        assert (holds(built, "Ready"), holds(built, "ContainersReady")) == ("False", "True")

    def test_others_conditions_are_kept(self):
        foreign = {"type": "example.com/lb", "status": "True"}
        assert foreign in build(pod(status={"conditions": [foreign]}), seen(run()))["conditions"]

    def test_the_time_of_a_condition_changes_only_with_its_status(self):
        first = build(pod(), seen(run()), NOW)
        again = build(pod(status=first), seen(run()), NOW + 500)
        assert again == first

    def test_initialized_waits_for_the_init_containers(self):
        spec = pod(initContainers=[container("one")])
        assert holds(build(spec, seen(run("one"))), "Initialized") == "False"
        assert holds(build(spec, seen(run("one", exit=0))), "Initialized") == "True"


class TestInheriting:
    def test_what_ran_in_an_earlier_life_is_lost(self):
        old = build(pod(), seen(run(attempt=2)))
        [lost] = inheritance.runs(pod(status=old), container(), NOW)
        assert (lost.attempt, lost.exit_code, lost.reason, lost.inherited) == (2, 255, "Unknown", True)

    def test_what_had_ended_is_remembered_as_it_was(self):
        old = build(pod(restartPolicy="Never"), seen(run(exit=0)))
        [done] = inheritance.runs(pod(status=old), container(), NOW)
        assert done.succeeded

    def test_what_never_ran_is_nothing(self):
        assert inheritance.runs(pod(status=build(pod(), seen())), container(), NOW) == ()


def test_how_volumes_are_mounted_is_told():
    mounts = [
        {"name": "a", "mountPath": "/a"},
        {"name": "b", "mountPath": "/b", "readOnly": True},
        {"name": "c", "mountPath": "/c", "readOnly": True, "recursiveReadOnly": "IfPossible"},
    ]
    assert only(pod(container(volumeMounts=mounts)), seen(run()))["volumeMounts"] == [
        {"name": "a", "mountPath": "/a"},
        {"name": "b", "mountPath": "/b", "readOnly": True, "recursiveReadOnly": "Disabled"},
        {"name": "c", "mountPath": "/c", "readOnly": True, "recursiveReadOnly": "Enabled"},
    ]
