"""What makes running pods have what is allocated to them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.node.build import NOW, container, pod, run, seen
from wherry.node.cgroups import CgroupLimits
from wherry.node.pods.plan import resize
from wherry.node.pods.plan.actions import Resize, Start, Stop
from wherry.node.pods.plan.decide import decide
from wherry.node.pods.plan.events import Allocated, Finished, Resized
from wherry.node.pods.plan.state import Failure, Progress, Sandbox, State
from wherry.node.pods.plan.update import update
from wherry.node.runtime.instance import Instance
from wherry.objects import Object


def limited(cpu: str = "1", memory: str = "64Mi") -> Object:
    both = {"cpu": cpu, "memory": memory}
    return {"limits": both, "requests": both}


def group(cpu: int = 1000, memory: int = 64 << 20) -> CgroupLimits:
    return CgroupLimits(memory=memory, cpu_milli=cpu, cpu_shares=cpu * 1024 // 1000)


def web(now: Object, **fields: Any) -> Object:
    return container(resources=now, **fields)


def having(*runs: Instance, limits: CgroupLimits | None = None, **fields: Any) -> State:
    return seen(*runs, sandbox=Sandbox(("10.244.1.7",), limits=limits or group()), **fields)


SMALL, LARGE = limited(), limited("2", "128Mi")
RESTART = [{"resourceName": "memory", "restartPolicy": "RestartContainer"}]


def test_nothing_is_to_be_done_where_all_is_as_allocated():
    spec = pod(web(SMALL))
    assert resize.steps(spec, having(run(resources=SMALL))) is None
    assert not resize.is_in_progress(spec, having(run(resources=SMALL)))


def test_a_growing_pod_grows_before_its_containers():
    spec, state = pod(web(LARGE)), having(run(resources=SMALL))
    steps = resize.steps(spec, state)
    assert steps is not None
    assert (steps.before, steps.after) == (group(2000, 128 << 20), group(2000, 128 << 20))
    assert [(one.id, c["resources"]) for one, c in steps.updates] == [("web-0", LARGE)]
    assert resize.is_in_progress(spec, state)
    assert decide(spec, state, NOW).actions == [Resize()]


def test_a_shrinking_pod_shrinks_after_its_containers():
    steps = resize.steps(pod(web(SMALL)), having(run(resources=LARGE), limits=group(2000, 128 << 20)))
    assert steps is not None
    assert (steps.before, steps.after) == (group(2000, 128 << 20), group())


def test_of_its_containers_those_that_shrink_come_first():
    spec = pod(web(LARGE), container("log", resources=SMALL))
    state = having(run(resources=SMALL), run("log", resources=LARGE), limits=group(3000, 192 << 20))
    steps = resize.steps(spec, state)
    assert steps is not None
    assert [one.container for one, _ in steps.updates] == ["log", "web"]


def test_a_limit_that_comes_anew_shrinks_the_pod_last():
    steps = resize.steps(pod(web(SMALL)), having(run(resources={}), limits=CgroupLimits()))
    assert steps is not None
    assert (steps.before.memory, steps.after.memory) == (None, 64 << 20)


def test_the_policy_has_a_container_start_again_once_its_pod_has_grown():
    spec = pod(web(LARGE, resizePolicy=RESTART), terminationGracePeriodSeconds=5)
    state = having(run(resources=SMALL))
    stop = Stop("web", 5.0, "Container web resize requires restart", again=True)
    assert decide(spec, state, NOW).actions == [Resize(), stop]
    ended = having(run(resources=SMALL, exit=0, again=True, backoff=10.0))
    assert decide(spec, ended, NOW).actions == [Resize()]
    assert resize.is_in_progress(spec, ended)
    grown = replace(ended, sandbox=Sandbox(("10.244.1.7",), limits=group(2000, 128 << 20)))
    assert decide(spec, grown, NOW).actions == [Start("web", 1)]
    once = pod(web(LARGE, resizePolicy=RESTART), restartPolicy="OnFailure")
    assert decide(once, grown, NOW).actions == [Start("web", 1)]


def test_a_resource_without_such_a_policy_changes_in_place():
    spec = pod(web(limited("2"), resizePolicy=RESTART))
    assert decide(spec, having(run(resources=SMALL)), NOW).actions == [Resize()]


def test_the_pod_does_not_shrink_below_a_container_that_has_yet_to_end():
    spec = pod(web(SMALL, resizePolicy=RESTART))
    old = group(2000, 128 << 20)
    assert resize.steps(spec, having(run(resources=LARGE), limits=old)) is None
    assert resize.steps(spec, having(run(resources=LARGE, stopping_at=NOW), limits=old)) is None
    ended = resize.steps(spec, having(run(resources=LARGE, exit=143, again=True), limits=old))
    assert ended is not None
    assert ended.after == group()


@pytest.mark.parametrize(
    ("used", "each", "says"),
    [
        (1 << 20, {"web": 1 << 20}, ""),
        (64 << 20, {"web": 1}, "attempting to set pod memory limit (67108864) below current usage (67108864)"),
        (1, {"web": 64 << 20}, 'attempting to set container "web" memory limit (67108864) below current usage (67108'),
    ],
)
def test_memory_that_is_used_is_not_taken(used: int, each: dict[str, int], says: str):
    spec, state = pod(web(SMALL)), having(run(resources=LARGE), limits=group(2000, 128 << 20))
    assert says in resize.too_much(spec, state, group(), used, each)
    assert bool(says) is resize.too_much(spec, state, group(), used, each).startswith("cannot decrease memory limits: ")


def test_memory_that_grows_may_be_used():
    state = having(run(resources=SMALL))
    assert resize.too_much(pod(web(LARGE)), state, group(2000, 128 << 20), 1 << 40, {"web": 1 << 40}) == ""


def test_what_is_in_force_is_remembered_and_a_failure_tried_again():
    state = having(run(resources=SMALL), progress=Progress(2, NOW), busy=frozenset({"resize"}))
    failure = Failure("ContainerCreating", "no", NOW + 1, 0.5, NOW)
    after = update(state, Finished(Resize(), Resized(group(2000), {"web-0": LARGE}, failure)))
    latest = after.latest("web")
    assert latest is not None
    assert (latest.resources, after.sandbox) == (LARGE, Sandbox(("10.244.1.7",), limits=group(2000)))
    assert after.progress == Progress(2, NOW, "no")
    spec = pod(web(LARGE))
    assert decide(spec, after, NOW).actions == []
    assert decide(spec, after, NOW + 2).actions == [Resize()]
    another = update(after, Allocated({"web": LARGE}, Progress(3, NOW)))
    assert Resize() in decide(spec, another, NOW).actions
