"""When a CronJob is due, and what is done then."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from tests.controllers.builders import Clock, everything, running, until
from tests.fake.client import FakeClient
from wherry.controllers.cronjob.controller import CronJobController
from wherry.controllers.cronjob.decide import Step, decide, new_job
from wherry.controllers.cronjob.timetable import due
from wherry.objects import Object
from wherry.objects.resource import CRON_JOBS, JOBS
from wherry.objects.timestamps import rfc3339

START = datetime(2026, 3, 10, 8, 0, 0, tzinfo=UTC).timestamp()


def cron_job(status: Object | None = None, **spec: Any) -> Object:
    whole = {
        "schedule": "*/10 * * * *",
        "concurrencyPolicy": "Allow",
        "suspend": False,
        "successfulJobsHistoryLimit": 3,
        "failedJobsHistoryLimit": 1,
        "jobTemplate": {"metadata": {"labels": {"a": "b"}}, "spec": {"template": {"spec": {"containers": []}}}},
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": {"name": "tick", "namespace": "demo", "uid": "c1", "creationTimestamp": rfc3339(START)},
        "spec": whole | spec,
        "status": status or {},
    }


def made(number: int, how: str = "", **status: Any) -> Object:
    conditions = [{"type": how, "status": "True"}] if how else []
    started = {"startTime": rfc3339(START + number), "conditions": conditions} | status
    meta = {"name": f"tick-{number}", "namespace": "demo", "uid": f"u{number}"}
    return {"apiVersion": "batch/v1", "kind": "Job", "metadata": meta, "spec": {}, "status": started}


def step(owner: Object, minutes: float, *jobs: Object) -> Step:
    return decide(owner, jobs, START + minutes * 60)


@pytest.mark.parametrize(
    ("minutes", "latest", "following"),
    [(5, None, 10), (10, 10, 20), (29, 20, 30)],
)
def test_it_is_due_at_the_last_time_that_passed(minutes: int, latest: int | None, following: int) -> None:
    found = due(cron_job(), START + minutes * 60)
    assert found.latest == (None if latest is None else START + latest * 60)
    assert found.next == START + following * 60


def test_what_it_ran_for_and_what_is_too_long_ago_does_not_count() -> None:
    assert due(cron_job({"lastScheduleTime": rfc3339(START + 1200)}), START + 1300).latest is None
    assert due(cron_job(startingDeadlineSeconds=60), START + 680).latest is None
    assert due(cron_job(startingDeadlineSeconds=100), START + 680).latest == START + 600


def test_a_year_without_a_clock_costs_no_walk_through_all_its_minutes() -> None:
    found = due(cron_job(schedule="* * * * *"), START + 365 * 86400 + 5)
    assert (found.latest, found.next) == (START + 365 * 86400, START + 365 * 86400 + 60)
    assert found.many > 100


def test_a_schedule_is_read_in_its_time_zone() -> None:
    owner = cron_job(schedule="0 9 * * *", timeZone="Europe/Berlin")
    assert due(owner, START + 60).next == datetime(2026, 3, 11, 8, 0, tzinfo=UTC).timestamp()
    annotation = new_job(owner, START)["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"]
    assert annotation == "2026-03-10T09:00:00+01:00"


def test_a_job_is_named_after_its_minute_and_made_once() -> None:
    found = step(cron_job(), 10)
    assert found.create is not None
    name = found.create["metadata"]["name"]
    assert name == f"tick-{int(START + 600) // 60}"
    assert found.create["metadata"]["labels"] == {"a": "b"}
    assert found.look_again == pytest.approx(600.1)
    there = made(1)
    there["metadata"]["name"] = name
    assert step(cron_job(), 10, there).create is None


def test_what_runs_still_may_stand_in_the_way() -> None:
    assert step(cron_job(), 10, made(1)).create is not None
    forbidden = step(cron_job(concurrencyPolicy="Forbid"), 10, made(1))
    assert (forbidden.create, [n.reason for n in forbidden.notices]) == (None, ["JobAlreadyActive"])
    replaced = step(cron_job(concurrencyPolicy="Replace"), 10, made(1), made(2, "Complete"))
    assert [j["metadata"]["name"] for j in replaced.delete] == ["tick-1"]
    assert replaced.create is not None


def test_a_suspended_one_makes_nothing() -> None:
    found = step(cron_job(suspend=True), 30)
    assert (found.create, found.look_again) == (None, None)


def test_a_start_that_is_too_late_is_missed() -> None:
    owner = cron_job({"lastScheduleTime": rfc3339(START)}, startingDeadlineSeconds=0)
    assert step(owner, 10.5).create is None


def test_history_is_kept_within_limits() -> None:
    jobs = [made(n, "Complete") for n in range(5)] + [made(n, "Failed") for n in (7, 8)]
    found = step(cron_job(suspend=True), 1, *jobs)
    assert [j["metadata"]["name"] for j in found.delete] == ["tick-0", "tick-1", "tick-7"]


def test_the_status_names_what_runs_and_when_one_succeeded() -> None:
    before = {"active": [{"name": "tick-1", "uid": "u1"}, {"name": "tick-9", "uid": "u9"}]}
    ended = made(1, "Complete", completionTime=rfc3339(START + 90))
    found = step(cron_job(before, suspend=True), 1, ended, made(2))
    assert [a["name"] for a in found.status["active"]] == ["tick-2"]
    assert found.status["lastSuccessfulTime"] == rfc3339(START + 90)
    assert [n.reason for n in found.notices] == ["SawCompletedJob", "MissingJob"]


def test_a_time_zone_that_is_gone_is_told() -> None:
    assert [n.reason for n in step(cron_job(timeZone="Nowhere/Land"), 30).notices] == ["UnknownTimeZone"]


async def test_the_loop_makes_a_job_each_time() -> None:
    client, clock = FakeClient(cron_job()), Clock()
    clock.now = START + 600
    async with running(client, [CronJobController], clock=clock):
        await until(lambda: len(everything(client, JOBS)) == 1)
        await until(lambda: client.peek(CRON_JOBS, "tick", "demo")["status"].get("lastScheduleTime"))
        clock.now = START + 1200
        there = client.peek(CRON_JOBS, "tick", "demo")
        client.put(there | {"metadata": there["metadata"] | {"labels": {"look": "again"}}})
        await until(lambda: len(everything(client, JOBS)) == 2)
    assert client.peek(CRON_JOBS, "tick", "demo")["status"]["lastScheduleTime"] == rfc3339(START + 1200)
