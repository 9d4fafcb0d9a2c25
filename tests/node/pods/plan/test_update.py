"""What an event makes of a pod's state."""

from __future__ import annotations

import pytest

from tests.node.build import NOW, run, seen
from wherry.node.pods.plan.actions import MountVolumes, RefreshVolumes, SetUp, Start
from wherry.node.pods.plan.events import (
    Began,
    Cleaned,
    Failed,
    Finished,
    HealthChanged,
    ReferenceChanged,
    RunBegan,
    RunChanged,
    RunForgotten,
    Told,
    VolumesReady,
)
from wherry.node.pods.plan.state import Failure, State
from wherry.node.pods.plan.update import inherit, update
from wherry.node.probes.health import HEALTHY, ContainerHealth

LATE = Failure("ContainerCreating", "no", NOW + 10)


def test_an_action_is_busy_until_it_has_finished():
    begun = update(State(cleaned=True), Began(SetUp()))
    assert (begun.busy, begun.cleaned) == (frozenset({"sandbox"}), False)
    assert update(begun, Finished(SetUp())).busy == frozenset()


def test_a_success_forgets_the_failure_before_it_and_a_failure_is_noted():
    failed = update(State(), Finished(SetUp(), Failed(SetUp.key, LATE)))
    assert failed.failures == {"sandbox": LATE}
    assert update(failed, Finished(SetUp())).failures == {}


def test_what_changes_while_volumes_are_written_is_looked_at_once_more():
    writing = update(seen(), Began(RefreshVolumes()))
    ready = Finished(RefreshVolumes(), VolumesReady({}, NOW + 100))
    assert update(writing, ready).volumes_due == NOW + 100
    assert update(update(writing, ReferenceChanged()), ready).volumes_due == 0.0


def test_a_refresh_that_failed_is_still_due():
    writing = update(seen(), Began(RefreshVolumes()))
    assert update(writing, Finished(RefreshVolumes(), Failed(RefreshVolumes.key, LATE))).volumes_due == 0.0


def test_a_changed_reference_is_tried_at_once_by_what_waits_for_it():
    waiting = {
        MountVolumes.key: LATE,
        "web": Failure("CreateContainerConfigError", "no", NOW + 10),
        "other": Failure("ImagePullBackOff", "no", NOW + 10),
    }
    after = update(State(failures=waiting), ReferenceChanged()).failures
    assert {key: failure.retry_at for key, failure in after.items()} == {"volumes": 0.0, "web": 0.0, "other": NOW + 10}


def test_changes_of_a_run_meet_in_its_record():
    """A hook that ends after the run was asked to stop does not undo that."""
    before = run(hook="pending")
    state = update(seen(before), RunChanged(before, {"stopping_at": NOW}))
    latest = update(state, RunChanged(before, {"hook": "done"})).latest("web")
    assert latest is not None
    assert (latest.hook, latest.stopping_at) == ("done", NOW)


def test_an_inherited_run_goes_without_a_trace_a_run_of_this_node_by_an_action():
    state = inherit(State(), (run(attempt=4, inherited=True),))
    for attempt in (5, 6, 7):
        state = update(state, RunBegan(run(attempt=attempt, exit=1)))
    assert [one.attempt for one in state.runs["web"]] == [5, 6, 7]
    assert [one.attempt for one in update(state, RunForgotten(run(attempt=5))).runs["web"]] == [6, 7]


def test_runs_of_this_node_count_and_not_what_the_api_remembers():
    assert inherit(seen(run(attempt=3)), (run(attempt=2, inherited=True),)).latest("web") == run(attempt=3)


def test_a_run_that_is_probed_no_more_is_healthy_by_default():
    probed = update(seen(run()), HealthChanged("web-0", ContainerHealth(ready=False)))
    assert not probed.health_of(run()).ready
    assert update(probed, HealthChanged("web-0", None)).health_of(run()) == HEALTHY


def test_a_cleaned_pod_has_nothing_left():
    cleaned = update(seen(volumes_due=NOW), Cleaned())
    assert (cleaned.sandbox, cleaned.places, cleaned.volumes_due, cleaned.cleaned) == (None, None, None, True)


@pytest.mark.parametrize("gone", [True, False])
def test_the_api_is_told_once(gone: bool):
    told = update(State(), Told(gone))
    assert (told.told, told.gone) == (True, gone)


def test_a_started_container_has_no_failure_any_more():
    waiting = State(failures={"web": LATE}, busy=frozenset({"web"}))
    assert update(waiting, Finished(Start("web", 0), RunBegan(run()))).failures == {}
