"""What READY, STATUS and RESTARTS say of a pod in each of its states."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.apiserver.kinds.core.pods import podstatus
from wherry.objects import Object, timestamps

NOW = timestamps.parse("2026-01-01T12:00:00Z")


def status(state: Object, **more: Any) -> Object:
    return {"name": "web", "ready": False, "restartCount": 0, "state": state, **more}


def pod(*containers: Object, init: tuple[Object, ...] = (), phase: str = "Running", **more: Any) -> Object:
    names = [f"i{n}" for n in range(len(init))]
    return {
        "metadata": {},
        "spec": {"containers": [{"name": "web"} for _ in containers], "initContainers": [{"name": n} for n in names]},
        "status": {
            "phase": phase,
            "containerStatuses": list(containers),
            "initContainerStatuses": [{**s, "name": n} for n, s in zip(names, init, strict=True)],
            **more,
        },
    }


RUNNING = status({"running": {}}, ready=True)
UNREADY = status({"running": {}})
DONE = status({"terminated": {"exitCode": 0, "reason": "Completed"}})


def waiting(reason: str) -> Object:
    return status({"waiting": {"reason": reason}})


def failed(**terminated: Any) -> Object:
    return status({"terminated": {"exitCode": 1, **terminated}})


CASES = {
    "running and ready": (pod(RUNNING), "1/1", "Running"),
    "running but not ready": (pod(UNREADY), "0/1", "Running"),
    "pulling": (pod(waiting("ContainerCreating"), phase="Pending"), "0/1", "ContainerCreating"),
    "no image": (pod(waiting("ErrImagePull"), phase="Pending"), "0/1", "ErrImagePull"),
    "crashing": (pod(waiting("CrashLoopBackOff")), "0/1", "CrashLoopBackOff"),
    "completed": (pod(DONE, phase="Succeeded"), "0/1", "Completed"),
    "error": (pod(failed(reason="Error"), phase="Failed"), "0/1", "Error"),
    "killed by a signal": (pod(failed(signal=9)), "0/1", "Signal:9"),
    "ended without a reason": (pod(failed()), "0/1", "ExitCode:1"),
    "one of two done": (
        pod(RUNNING, DONE, conditions=[{"type": "Ready", "status": "True"}]),
        "1/2",
        "Running",
    ),
    "one of two done, pod not ready": (pod(RUNNING, DONE), "1/2", "NotReady"),
    "evicted": (pod(phase="Failed", reason="Evicted"), "0/0", "Evicted"),
    "gated": (
        pod(phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]),
        "0/0",
        "SchedulingGated",
    ),
    "first of two init containers": (
        pod(waiting("PodInitializing"), init=(UNREADY, waiting("PodInitializing")), phase="Pending"),
        "0/1",
        "Init:0/2",
    ),
    "second of two init containers": (
        pod(waiting("PodInitializing"), init=(DONE, UNREADY), phase="Pending"),
        "0/1",
        "Init:1/2",
    ),
    "init container crashing": (
        pod(waiting("PodInitializing"), init=(waiting("CrashLoopBackOff"),), phase="Pending"),
        "0/1",
        "Init:CrashLoopBackOff",
    ),
    "init container failed": (
        pod(waiting("PodInitializing"), init=(failed(reason="Error"),), phase="Pending"),
        "0/1",
        "Init:Error",
    ),
    "init containers done": (
        pod(waiting("PodInitializing"), init=(DONE,), phase="Pending"),
        "0/1",
        "PodInitializing",
    ),
}


@pytest.mark.parametrize(("shown", "ready", "reason"), CASES.values(), ids=CASES.keys())
def test_a_pod_shows_its_state(shown: Object, ready: str, reason: str) -> None:
    summary = podstatus.summarize(shown, NOW)
    assert (summary.ready, summary.status) == (ready, reason)


def test_restarts_come_with_the_time_of_the_last_one() -> None:
    last = {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T11:59:55Z"}}
    first = {"terminated": {"exitCode": 1, "finishedAt": "2026-01-01T11:00:00Z"}}
    restarted = pod(
        {**RUNNING, "restartCount": 1, "lastState": first}, {**RUNNING, "restartCount": 1, "lastState": last}
    )
    assert podstatus.summarize(restarted, NOW).restarts == "2 (5s ago)"


def test_restarts_without_a_known_time_are_a_bare_number() -> None:
    assert podstatus.summarize(pod({**RUNNING, "restartCount": 3}), NOW).restarts == "3"


def test_restarts_of_init_containers_count_only_while_they_run() -> None:
    init = {**UNREADY, "restartCount": 4}
    assert podstatus.summarize(pod(waiting("PodInitializing"), init=(init,)), NOW).restarts == "4"
    assert podstatus.summarize(pod(RUNNING, init=({**DONE, "restartCount": 4},)), NOW).restarts == "0"


def test_a_sidecar_counts_as_a_container() -> None:
    shown = pod(RUNNING, init=({**RUNNING, "started": True, "restartCount": 2},))
    shown["spec"]["initContainers"][0]["restartPolicy"] = "Always"
    assert podstatus.summarize(shown, NOW) == ("2/2", "Running", "2")


def test_a_pod_being_deleted_is_terminating_until_it_ended() -> None:
    leaving = pod(RUNNING)
    leaving["metadata"]["deletionTimestamp"] = "2026-01-01T12:00:00Z"
    assert podstatus.summarize(leaving, NOW).status == "Terminating"
    leaving["status"] = {"phase": "Succeeded", "containerStatuses": [DONE]}
    assert podstatus.summarize(leaving, NOW).status == "Completed"
    leaving["status"] = {"phase": "Running", "reason": "NodeLost"}
    assert podstatus.summarize(leaving, NOW).status == "Unknown"
