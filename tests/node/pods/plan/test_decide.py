"""What is decided to do next, told in pods and runs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.node.build import NOW, container, pod, run, seen
from wherry.node.pods.plan.actions import (
    CleanUp,
    Finish,
    Forget,
    Kill,
    MountVolumes,
    PostStart,
    PreStop,
    RefreshVolumes,
    Retire,
    SetUp,
    Signal,
    Start,
    Stop,
    TellPullBackOff,
    Withdraw,
)
from wherry.node.pods.plan.admission import NODE_PORTS
from wherry.node.pods.plan.decide import decide
from wherry.node.pods.plan.state import Failure, State
from wherry.node.probes.health import ContainerHealth

DELETED = {"deletionTimestamp": "2027-01-15T08:00:00Z", "deletionGracePeriodSeconds": 5}
HOOKED = {"lifecycle": {"postStart": {"exec": {"command": ["true"]}}}}


def actions(spec: Any, observed: State, now: float = NOW) -> list[Any]:
    return decide(spec, observed, now).actions


class TestBringingUp:
    def test_volumes_come_first(self):
        assert actions(pod(), State()) == [MountVolumes()]

    def test_then_the_sandbox(self):
        assert actions(pod(), State(places={})) == [SetUp()]

    def test_then_all_containers_side_by_side(self):
        both = pod(container("a"), container("b"))
        assert actions(both, seen()) == [Start("a", 0), Start("b", 0)]

    def test_of_a_pod_that_is_not_taken_in_nothing_is_begun(self):
        assert actions(pod(), State(rejected=NODE_PORTS, cleaned=True)) == []

    def test_nothing_is_begun_twice(self):
        assert actions(pod(), seen(busy=frozenset({"web"}))) == []

    def test_a_running_container_is_left_alone(self):
        assert actions(pod(), seen(run())) == []

    def test_what_failed_is_tried_again_after_its_pause(self):
        failed = {"web": Failure("ImagePullBackOff", "no", NOW + 10)}
        waiting = decide(pod(), seen(failures=failed), NOW)
        assert (waiting.actions, waiting.wake_at) == ([], NOW + 10)
        assert actions(pod(), seen(failures=failed), NOW + 10) == [Start("web", 0)]

    def test_a_corrected_image_waits_for_nothing(self):
        failed = {"web": Failure("ImagePullBackOff", "no", NOW + 300, 300, NOW, image="demo/wbe")}
        assert actions(pod(), seen(failures=failed)) == [Start("web", 0)]
        crashed = seen(run(exit=1, backoff=300.0, image="demo/wbe"))
        assert actions(pod(), crashed) == [Start("web", 1)]

    def test_a_failed_pull_is_told_as_a_wait_after_a_moment(self):
        failed = {"web": Failure("ErrImagePull", "no", NOW + 10, at=NOW)}
        assert decide(pod(), seen(failures=failed), NOW).wake_at == NOW + 1
        assert actions(pod(), seen(failures=failed), NOW + 1) == [TellPullBackOff("web")]

    def test_a_pod_this_node_cannot_run_is_not_begun(self):
        assert actions(pod(), seen(refused="hostPort 80 is not supported")) == []

    def test_volumes_are_looked_at_again_when_due(self):
        assert actions(pod(), seen(run(), volumes_due=NOW)) == [RefreshVolumes()]
        assert decide(pod(), seen(run(), volumes_due=NOW + 7), NOW).wake_at == NOW + 7

    def test_containers_after_a_post_start_hook_wait_for_it(self):
        spec = pod(container("a", **HOOKED), container("b"))
        assert actions(spec, seen()) == [Start("a", 0)]
        assert actions(spec, seen(run("a", hook="pending"))) == [PostStart("a")]
        assert actions(spec, seen(run("a", hook="done"))) == [Start("b", 0)]

    def test_a_failed_post_start_hook_ends_the_container(self):
        assert [type(a) for a in actions(pod(container(**HOOKED)), seen(run(hook="failed")))] == [Stop]


TWO = {"initContainers": [container("one"), container("two")]}


class TestInitContainers:
    def test_they_run_one_after_the_other(self):
        assert actions(pod(**TWO), seen()) == [Start("one", 0)]
        assert actions(pod(**TWO), seen(run("one"))) == []
        assert actions(pod(**TWO), seen(run("one", exit=0))) == [Start("two", 0)]

    def test_the_containers_follow_the_last(self):
        done = seen(run("one", exit=0), run("two", exit=0))
        assert actions(pod(**TWO), done) == [Start("web", 0)]

    def test_a_failed_one_is_repeated(self):
        assert actions(pod(**TWO), seen(run("one", exit=1))) == [Start("one", 1)]

    def test_a_failed_one_ends_a_pod_that_never_restarts(self):
        assert actions(pod(**TWO, restartPolicy="Never"), seen(run("one", exit=1))) == [CleanUp()]

    def test_they_are_not_run_again_when_a_container_restarts(self):
        observed = seen(run("one", exit=0), run("two", exit=0), run("web", exit=1))
        assert actions(pod(**TWO), observed) == [Start("web", 1)]

    def test_they_are_run_again_in_a_new_life_of_the_node(self):
        lost = seen(run("one", exit=0, inherited=True), run("web", exit=255, inherited=True))
        assert actions(pod(**TWO), lost) == [Start("one", 1)]

    def test_a_sidecar_lets_the_next_begin_once_it_has_started(self):
        spec = pod(initContainers=[container("proxy", restartPolicy="Always")])
        assert actions(spec, seen()) == [Start("proxy", 0)]
        starting = {"proxy-0": ContainerHealth(started=False)}
        assert actions(spec, seen(run("proxy"), health=starting)) == []
        assert actions(spec, seen(run("proxy"))) == [Start("web", 0)]

    def test_a_sidecar_is_restarted_whatever_its_exit_code(self):
        spec = pod(initContainers=[container("proxy", restartPolicy="Always")], restartPolicy="Never")
        assert actions(spec, seen(run("proxy", exit=0), run("web"))) == [Start("proxy", 1)]


class TestRestarting:
    @pytest.mark.parametrize(
        ("policy", "code", "restarted"),
        [
            ("Always", 0, True),
            ("Always", 1, True),
            ("OnFailure", 0, False),
            ("OnFailure", 1, True),
            ("Never", 1, False),
        ],
    )
    def test_the_policy_decides(self, policy: str, code: int, restarted: bool):
        spec = pod(container(), container("other"), restartPolicy=policy)
        expected = [Start("web", 1)] if restarted else []
        assert actions(spec, seen(run(exit=code), run("other"))) == expected

    def test_it_waits_for_the_back_off(self):
        observed = seen(run(attempt=1, exit=1, backoff=10.0))
        waiting = decide(pod(), observed, NOW + 9)
        assert (waiting.actions, waiting.wake_at) == ([], NOW + 10)
        assert actions(pod(), observed, NOW + 10) == [Start("web", 2)]

    def test_a_lost_container_is_started_anew_with_its_count(self):
        assert actions(pod(), seen(run(attempt=4, exit=255, inherited=True))) == [Start("web", 5)]

    def test_one_that_had_completed_is_not(self):
        done = run(exit=0, inherited=True)
        assert actions(pod(restartPolicy="OnFailure"), seen(done)) == [CleanUp()]

    def test_a_failed_liveness_probe_ends_it_with_the_probes_grace(self):
        observed = seen(run(), health={"web-0": ContainerHealth(live=False, grace=3.0)})
        assert actions(pod(), observed) == [Stop("web", 3.0, "Container web failed liveness probe, will be restarted")]

    def test_a_new_image_ends_it(self):
        [stop] = actions(pod(container(image="demo/web:2")), seen(run()))
        assert stop == Stop("web", 30.0, "Container web definition changed, will be restarted")


class TestTidying:
    def test_what_an_ended_run_holds_is_let_go_of_before_the_pod_is_cleaned_up(self):
        ended = run(exit=0, retired=False)
        assert actions(pod(restartPolicy="Never"), seen(ended)) == [Retire(ended)]

    def test_the_next_run_does_not_wait_for_that(self):
        ended = run(exit=0, retired=False)
        assert actions(pod(), seen(ended)) == [Start("web", 1), Retire(ended)]

    def test_only_the_last_two_runs_are_remembered(self):
        oldest = run(exit=1)
        assert actions(pod(), seen(oldest, run(attempt=1, exit=1), run(attempt=2))) == [Forget(oldest)]


class TestEnding:
    def test_a_deleted_pods_containers_are_stopped_with_the_grace_asked_for(self):
        spec = pod(container("a"), container("b"), meta=DELETED)
        asked = actions(spec, seen(run("a"), run("b")))
        assert asked == [Withdraw(), Stop("a", 5.0, "Stopping container a"), Stop("b", 5.0, "Stopping container b")]

    def test_the_kill_comes_when_the_grace_is_over(self):
        stopping = seen(run(stopping_at=NOW, stopping_grace=5.0, signalled_at=NOW))
        assert decide(pod(meta=DELETED), stopping, NOW + 4).wake_at == NOW + 5
        assert actions(pod(meta=DELETED), stopping, NOW + 4) == []
        assert actions(pod(meta=DELETED), stopping, NOW + 5) == [Kill("web")]

    def test_a_second_deletion_can_shorten_the_grace(self):
        stopping = seen(run(stopping_at=NOW, stopping_grace=30.0, signalled_at=NOW))
        at_once = pod(meta={**DELETED, "deletionGracePeriodSeconds": 0})
        assert actions(at_once, stopping, NOW + 1) == [Kill("web")]

    def test_a_pre_stop_hook_that_takes_all_the_grace_leaves_two_seconds(self):
        stopping = seen(run(stopping_at=NOW, stopping_grace=5.0, signalled_at=NOW + 5))
        assert actions(pod(meta=DELETED), stopping, NOW + 6) == []
        assert actions(pod(meta=DELETED), stopping, NOW + 7) == [Kill("web")]

    def test_the_signal_waits_until_nobody_is_sent_there_any_more(self):
        stopping = seen(run(stopping_at=NOW, stopping_grace=5.0), busy=frozenset({Withdraw.key}))
        assert actions(pod(meta=DELETED), stopping, NOW + 1) == []
        assert actions(pod(meta=DELETED), replace(stopping, withdrawn=True), NOW + 1) == [Signal("web")]

    def test_it_waits_for_half_of_the_grace_at_most(self):
        stopping = seen(run(stopping_at=NOW, stopping_grace=5.0), busy=frozenset({Withdraw.key}))
        assert decide(pod(meta=DELETED), stopping, NOW + 1).wake_at == NOW + 2.5
        assert actions(pod(meta=DELETED), stopping, NOW + 2.5) == [Signal("web")]

    def test_without_any_grace_nobody_is_waited_for(self):
        at_once = pod(meta={**DELETED, "deletionGracePeriodSeconds": 0})
        assert actions(at_once, seen(run(stopping_at=NOW))) == [Kill("web")]

    def test_nobody_is_waited_for_where_the_api_has_the_pod_no_more_or_only_a_container_restarts(self):
        stopping = run(stopping_at=NOW, stopping_grace=5.0)
        assert actions(pod(meta=DELETED), seen(stopping, gone=True), NOW + 1) == [Signal("web")]
        assert actions(pod(), seen(stopping), NOW + 1) == [Signal("web")]

    def test_the_pre_stop_hook_comes_first_and_waits_for_nobody(self):
        spec = pod(container(lifecycle={"preStop": {"exec": {"command": ["true"]}}}), meta=DELETED)
        stopping = seen(run(stopping_at=NOW, stopping_grace=5.0), busy=frozenset({Withdraw.key}))
        assert actions(spec, stopping, NOW + 1) == [PreStop("web", NOW + 5)]
        hooked = seen(run(stopping_at=NOW, stopping_grace=5.0, hooked_at=NOW + 2), withdrawn=True)
        assert actions(spec, hooked, NOW + 2) == [Signal("web")]

    def test_nothing_is_waited_for_when_the_containers_have_ended_by_themselves(self):
        assert actions(pod(meta=DELETED), seen(run(exit=0), busy=frozenset({Withdraw.key}))) == [CleanUp()]

    def test_a_kill_is_sent_once(self):
        killed = seen(run(stopping_at=NOW, stopping_grace=5.0, killed_at=NOW + 5))
        assert actions(pod(meta=DELETED), killed, NOW + 50) == []

    def test_sidecars_go_last(self):
        spec = pod(initContainers=[container("proxy", restartPolicy="Always")], meta=DELETED)
        asked = actions(spec, seen(run("proxy"), run("web"), withdrawn=True))
        assert asked == [Stop("web", 5.0, "Stopping container web")]
        asked = actions(spec, seen(run("proxy"), run("web", exit=0), withdrawn=True))
        assert asked == [Stop("proxy", 5.0, "Stopping container proxy")]

    def test_then_it_is_cleaned_up_then_the_api_is_told(self):
        ended = seen(run(exit=143))
        assert actions(pod(meta=DELETED), ended) == [CleanUp()]
        assert actions(pod(meta=DELETED), replace(ended, cleaned=True)) == [Finish()]
        assert actions(pod(meta=DELETED), replace(ended, cleaned=True, told=True)) == []

    def test_nothing_is_cleaned_up_while_something_is_under_way(self):
        assert actions(pod(meta=DELETED), seen(busy=frozenset({"web"}))) == []

    def test_a_pod_the_api_has_forgotten_is_ended_and_nobody_told(self):
        assert [type(a) for a in actions(pod(), seen(run(), gone=True))] == [Stop]
        assert actions(pod(), seen(run(exit=0), gone=True, cleaned=True)) == []

    def test_a_pod_past_its_deadline_is_ended(self):
        spec = pod(activeDeadlineSeconds=120)
        assert decide(spec, seen(run()), NOW).wake_at == NOW + 20
        assert [type(a) for a in actions(spec, seen(run()), NOW + 20)] == [Stop]

    def test_a_pod_the_api_knows_as_ended_is_not_started_again(self):
        assert actions(pod(status={"phase": "Failed"}), State(cleaned=True)) == []
