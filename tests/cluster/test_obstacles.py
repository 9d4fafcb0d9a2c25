"""Why something is not ready, told of pods and events."""

from __future__ import annotations

from typing import Any

from wherry.cluster.obstacles import Obstacle, last_warning, of_pod, standing
from wherry.cluster.readiness import Waiting


def event(name: str, message: str, at: str = "2026-01-01T00:00:00Z", type: str = "Warning") -> dict[str, Any]:
    return {"type": type, "reason": "R", "message": message, "lastTimestamp": at, "involvedObject": {"name": name}}


def pod(*statuses: dict[str, Any]) -> dict[str, Any]:
    return {"metadata": {"name": "coredns-1"}, "status": {"containerStatuses": list(statuses)}}


def test_the_newest_warning_counts_whatever_order_it_comes_in() -> None:
    events = [event("coredns-1", "old"), event("coredns-1", "new", "2026-01-01T00:00:09Z"), event("coredns-1", "older")]
    assert last_warning(events, "coredns-1") == "R: new"


def test_a_warning_of_a_replica_set_is_one_of_its_deployment_and_not_of_a_namesake() -> None:
    events = [event("coredns-6f4", "no quota"), event("corednsx", "other"), event("coredns", "fine", type="Normal")]
    assert last_warning(events, "coredns") == "R: no quota"


def test_a_container_says_what_it_waits_for_and_what_it_ended_with() -> None:
    waits = {"state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off 10s"}}}
    waits["lastState"] = {"terminated": {"exitCode": 3}}
    assert of_pod(pod(waits), []) == "pod coredns-1: CrashLoopBackOff; ended with exit code 3"


def test_what_merely_starts_is_no_obstacle_but_a_warning_about_it_is() -> None:
    starts = {"state": {"waiting": {"reason": "ContainerCreating"}}}
    assert of_pod(pod(starts), []) == "pod coredns-1: not ready yet"
    assert of_pod(pod(starts), [event("coredns-1", "no\nroom")]) == "pod coredns-1: R: no room"


def test_a_long_reason_is_cut() -> None:
    assert len(last_warning([event("a", "x" * 1000)], "a")) < 310


def test_a_warning_that_says_what_the_status_says_is_not_repeated() -> None:
    ended = {"state": {"terminated": {"exitCode": 128, "message": "no such file"}}}
    told = of_pod(pod(ended), [event("coredns-1", "Error: no such file")])
    assert told == "pod coredns-1: ended with exit code 128: no such file"


def test_what_kept_a_workload_is_not_told_once_that_is_ready() -> None:
    api, proxy, dns = Obstacle("api is down"), Obstacle("proxy: no", "kube-proxy"), Obstacle("dns: no", "coredns")
    waiting = [Waiting("nodes", 0, 1), Waiting("coredns", 1, 2, "kube-system")]
    assert standing([api, proxy, dns], waiting) == [api, dns]
