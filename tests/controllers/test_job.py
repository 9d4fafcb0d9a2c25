"""A Job's step: how many pods run, what their ends mean, and when it is over."""

from __future__ import annotations

from typing import Any

import pytest

from tests.controllers.builders import NOW, everything, pod, running, until
from tests.fake.client import FakeClient
from wherry.controllers.finishedjobs import FinishedJobController, expires_at
from wherry.controllers.job.controller import JobController
from wherry.controllers.job.decide import Step, decide
from wherry.objects import Object, metadata
from wherry.objects.resource import JOBS, PODS
from wherry.objects.timestamps import rfc3339

FINALIZER = "batch.kubernetes.io/job-tracking"
INDEX = "batch.kubernetes.io/job-completion-index"
FAILED_BY_POLICY = {"FailureTarget": "PodFailurePolicy"}
FAILURES = "batch.kubernetes.io/job-index-failure-count"


def job(status: Object | None = None, **spec: Any) -> Object:
    whole = {
        "parallelism": 1,
        "completions": 1,
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "suspend": False,
        "podReplacementPolicy": "TerminatingOrFailed",
        "selector": {"matchLabels": {"app": "web"}},
        "template": {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "i"}]},
        },
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "sum", "namespace": "demo", "uid": "j1"},
        "spec": whole | spec,
        "status": {"startTime": rfc3339(NOW - 100)} if status is None else status,
    }


def indexed(status: Object | None = None, **spec: Any) -> Object:
    return job(status, **({"completionMode": "Indexed", "completions": 3, "parallelism": 3} | spec))


def worker(name: str, phase: str = "Running", index: int | None = None, ago: float = 3600, **more: Any) -> Object:
    marks = {} if index is None else {"annotations": {INDEX: str(index)} | more.pop("annotations", {})}
    made = pod(name, phase=phase, finalizers=[FINALIZER], **marks, **more)
    ended = {"exitCode": 0 if phase == "Succeeded" else 3, "finishedAt": rfc3339(NOW - ago)}
    made["status"]["containerStatuses"] = [{"name": "c", "state": {"terminated": ended}}]
    return made


def step(owner: Object, *pods: Object, settled: bool = True) -> Step:
    return decide(owner, pods, NOW, settled)


def conditions(found: Step) -> dict[str, str]:
    return {c["type"]: c.get("reason", "") for c in found.status.get("conditions") or () if c["status"] == "True"}


def test_as_many_pods_as_may_run_and_are_needed() -> None:
    assert len(step(job(completions=5, parallelism=2)).create) == 2
    assert len(step(job(completions=5, parallelism=9), worker("a")).create) == 4
    assert len(step(job(completions=5, parallelism=2), worker("a"), worker("b"), worker("c")).dismiss) == 1
    assert step(job(completions=5, parallelism=2), settled=False).create == ()


def test_a_pod_is_kept_by_a_finalizer_and_named_after_its_index() -> None:
    (made,) = step(indexed(completions=1)).create
    assert made["metadata"]["finalizers"] == [FINALIZER]
    assert made["metadata"]["generateName"] == "sum-0-"
    assert made["metadata"]["annotations"] == {INDEX: "0"}
    assert made["metadata"]["labels"] == {"app": "web", INDEX: "0"}
    assert made["spec"]["hostname"] == "sum-0"
    assert [v["name"] for v in made["spec"]["containers"][0]["env"]] == ["JOB_COMPLETION_INDEX"]


def test_an_end_is_noted_then_counted_once_the_finalizer_is_gone() -> None:
    ended = worker("a", "Succeeded")
    noted = step(job(), ended)
    assert noted.status["uncountedTerminatedPods"] == {"succeeded": ["uid-a"]}
    assert conditions(noted) == {"SuccessCriteriaMet": "CompletionsReached"}
    assert noted.free == [ended]
    again = step(job(noted.status), ended)
    assert again.status == noted.status
    released = {**ended, "metadata": {**ended["metadata"], "finalizers": []}}
    counted = step(job(noted.status), released)
    assert counted.status["succeeded"] == 1
    assert counted.status["uncountedTerminatedPods"] == {}
    assert conditions(counted)["Complete"] == "CompletionsReached"
    assert counted.status["completionTime"] == rfc3339(NOW)
    assert counted.notices[0].reason == "Completed"


def test_without_a_number_of_completions_one_success_is_enough_and_the_others_may_end() -> None:
    owner = job(completions=None, parallelism=2)
    found = step(owner, worker("a", "Succeeded"), worker("b"))
    assert (found.create, found.dismiss, conditions(found)) == ((), (), {})
    assert "SuccessCriteriaMet" in conditions(step(owner, worker("a", "Succeeded"), worker("b", "Failed")))


def test_after_a_failure_comes_a_pause_that_doubles() -> None:
    assert step(job(), worker("a", "Failed", ago=4)).look_again == 6
    assert step(job(), worker("a", "Failed", ago=4), worker("b", "Failed", ago=30)).look_again == 16
    assert len(step(job(), worker("a", "Failed", ago=11)).create) == 1
    owner = job(completions=2)
    assert len(step(owner, worker("a", "Failed", ago=4), worker("b", "Succeeded", ago=1)).create) == 1


def test_too_many_failures_end_the_job_and_what_still_runs_of_it() -> None:
    owner = job(backoffLimit=1, parallelism=2, completions=9)
    found = step(owner, worker("a", "Failed"), worker("b", "Failed"), worker("c"))
    assert conditions(found) == {"FailureTarget": "BackoffLimitExceeded"}
    assert metadata.condition({"status": found.status}, "FailureTarget")["message"] == (
        "Job has reached the specified backoff limit"
    )
    assert [p["metadata"]["name"] for p in found.delete] == ["c"]
    status = found.status | {"uncountedTerminatedPods": {}, "failed": 3, "active": 0}
    assert conditions(step(job(status, backoffLimit=1)))["Failed"] == "BackoffLimitExceeded"


def test_restarts_in_place_count_as_failures() -> None:
    template = {"metadata": {}, "spec": {"restartPolicy": "OnFailure", "containers": []}}
    busy = worker("a")
    busy["status"]["containerStatuses"] = [{"name": "c", "restartCount": 2}]
    assert conditions(step(job(backoffLimit=3, template=template), busy)) == {}
    assert conditions(step(job(backoffLimit=2, template=template), busy)) == {"FailureTarget": "BackoffLimitExceeded"}


def test_a_deadline_ends_the_job() -> None:
    assert step(job(activeDeadlineSeconds=130), worker("a")).look_again == 30
    assert conditions(step(job(activeDeadlineSeconds=90), worker("a"))) == {"FailureTarget": "DeadlineExceeded"}


def test_a_suspended_job_has_no_pods_and_no_time() -> None:
    found = step(job(suspend=True), worker("a"))
    assert [p["metadata"]["name"] for p in found.dismiss] == ["a"]
    assert conditions(found) == {"Suspended": "JobSuspended"}
    assert "startTime" not in found.status
    resumed = step(job(found.status))
    assert len(resumed.create) == 1
    assert resumed.status["startTime"] == rfc3339(NOW)
    assert [n.reason for n in resumed.notices] == ["Resumed"]


def test_each_index_is_worked_on_once_the_lowest_first() -> None:
    found = step(indexed(completions=4), worker("a", "Succeeded", 1), worker("b", index=2))
    assert [p["metadata"]["annotations"][INDEX] for p in found.create] == ["0", "3"]
    assert found.status["completedIndexes"] == "1"
    assert found.status["succeeded"] == 1
    twice = step(indexed(), worker("a", index=0), worker("b", index=0), worker("c", index=7))
    assert {p["metadata"]["name"] for p in twice.dismiss} == {"b", "c"}


def test_a_replacement_waits_for_the_end_where_only_the_failed_are_replaced() -> None:
    going = worker("a", index=0, deletionTimestamp=rfc3339(NOW))
    early = step(indexed(completions=1), going)
    assert early.status["uncountedTerminatedPods"] == {"failed": ["uid-a"]}
    late = step(indexed(completions=1, podReplacementPolicy="Failed"), going)
    assert (late.create, late.status["terminating"], late.status["uncountedTerminatedPods"]) == ((), 1, {})


def test_an_index_fails_by_itself_and_the_job_with_it_at_the_end() -> None:
    owner = indexed(completions=2, backoffLimitPerIndex=1, backoffLimit=2**31 - 1)
    first = step(owner, worker("a", "Failed", 0), worker("b", index=1))
    assert [p["metadata"]["annotations"][FAILURES] for p in first.create] == ["1"]
    assert first.free == []  # it remembers the failure until another pod does
    second = worker("c", "Failed", 0, annotations={FAILURES: "1"})
    found = step(owner, second, worker("b", "Succeeded", 1))
    assert found.status["failedIndexes"] == "0"
    assert conditions(found) == {"FailureTarget": "FailedIndexes"}
    owner["spec"]["maxFailedIndexes"] = 0
    assert conditions(step(owner, second, worker("b", index=1))) == {"FailureTarget": "MaxFailedIndexesExceeded"}


@pytest.mark.parametrize(
    ("rule", "failed", "conditions_"),
    [
        (
            {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3]}},
            1,
            {"FailureTarget": "PodFailurePolicy"},
        ),
        ({"action": "FailJob", "onExitCodes": {"operator": "NotIn", "values": [3]}}, 1, {}),
        ({"action": "Ignore", "onExitCodes": {"operator": "In", "values": [3]}}, 0, {}),
        ({"action": "Count", "onExitCodes": {"operator": "In", "values": [3]}}, 1, {}),
        ({"action": "Ignore", "onPodConditions": [{"type": "DisruptionTarget", "status": "True"}]}, 0, {}),
    ],
)
def test_a_policy_says_what_a_failure_means(rule: Object, failed: int, conditions_: dict[str, str]) -> None:
    ended = worker("a", "Failed")
    ended["status"]["conditions"].append({"type": "DisruptionTarget", "status": "True"})
    found = step(job(podFailurePolicy={"rules": [rule]}), ended)
    assert len(found.status["uncountedTerminatedPods"].get("failed", [])) == failed
    assert conditions(found) == conditions_
    assert found.free == [ended]


def test_the_failure_policy_says_which_container_it_was() -> None:
    rule = {"action": "FailJob", "onExitCodes": {"operator": "In", "values": [3]}}
    found = step(job(podFailurePolicy={"rules": [rule]}), worker("a", "Failed"))
    assert metadata.condition({"status": found.status}, "FailureTarget")["message"] == (
        "Container c for pod demo/a failed with exit code 3 matching FailJob rule at index 0"
    )


@pytest.mark.parametrize(
    ("rule", "met"),
    [
        ({"succeededIndexes": "0"}, True),
        ({"succeededIndexes": "0-1"}, False),
        ({"succeededCount": 1}, True),
        ({"succeededIndexes": "0-2", "succeededCount": 1}, True),
        ({"succeededIndexes": "1-2", "succeededCount": 1}, False),
    ],
)
def test_some_indexes_may_be_enough(rule: Object, met: bool) -> None:
    found = step(indexed(successPolicy={"rules": [rule]}), worker("a", "Succeeded", 0), worker("b", index=1))
    assert conditions(found) == ({"SuccessCriteriaMet": "SuccessPolicy"} if met else {})
    assert [p["metadata"]["name"] for p in found.delete] == (["b"] if met else [])


def test_a_finished_job_goes_when_its_time_is_up() -> None:
    done = {"conditions": [{"type": "Complete", "status": "True", "lastTransitionTime": rfc3339(NOW)}]}
    assert expires_at(job(done, ttlSecondsAfterFinished=30)) == NOW + 30
    assert expires_at(job(done)) is None
    assert expires_at(job(ttlSecondsAfterFinished=0)) is None


async def test_the_loop_runs_a_job_to_its_end_and_lets_its_pods_go() -> None:
    client = FakeClient(job({}, ttlSecondsAfterFinished=3600))
    async with running(client, [JobController]):
        await until(lambda: everything(client, PODS))
        (made,) = everything(client, PODS)
        client.put(made | {"status": {"phase": "Succeeded"}})
        await until(lambda: metadata.is_true(client.peek(JOBS, "sum", "demo"), "Complete"))
        assert client.peek(JOBS, "sum", "demo")["status"]["succeeded"] == 1
        assert everything(client, PODS)[0]["metadata"]["finalizers"] == []


async def test_pods_of_a_job_that_is_gone_are_let_go() -> None:
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": "gone", "uid": "j0", "controller": True}
    client = FakeClient(worker("a", ownerReferences=[owner]), worker("b"))
    async with running(client, [JobController]):
        await until(lambda: not any(p["metadata"].get("finalizers") for p in everything(client, PODS)))


async def test_the_loop_deletes_a_job_whose_time_is_up() -> None:
    done = {"conditions": [{"type": "Failed", "status": "True", "lastTransitionTime": rfc3339(NOW)}]}
    client = FakeClient(job(done, ttlSecondsAfterFinished=30))
    async with running(client, [FinishedJobController], clock=lambda: NOW + 31):
        await until(
            lambda: (
                client.peek(JOBS, "sum", "demo") is None or "deletionTimestamp" in str(client.peek(JOBS, "sum", "demo"))
            )
        )
