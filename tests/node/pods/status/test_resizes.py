"""What is told of a pod that is resized."""

from __future__ import annotations

from tests.node.build import NOW, container, pod, run, seen
from wherry.node.pods.plan.state import Pending, Progress
from wherry.node.pods.status import build as status
from wherry.node.pods.status import resizes, shared
from wherry.objects import Object, metadata
from wherry.objects.timestamps import rfc3339

HALF = {"limits": {"cpu": "1"}, "requests": {"cpu": "500m"}}
ONE = {"limits": {"cpu": "2"}, "requests": {"cpu": "1"}}
PENDING = Pending("Deferred", "no room", 3, NOW - 9)


def build(spec: Object, observed: object) -> Object:
    return status.build(spec, observed, NOW, host_ips=["192.168.51.210"], runtime="runc", recursive=True)  # type: ignore[arg-type]


def test_conditions_say_what_waits_and_what_goes_on_and_are_read_again():
    spec = pod(meta={"generation": 4})
    built = build(spec, seen(run(), pending=PENDING, progress=Progress(2, NOW - 5, "broken")))
    waits, goes_on = (metadata.condition({"status": built}, name) for name in resizes.TYPES)
    assert waits == {
        "type": "PodResizePending",
        "status": "True",
        "reason": "Deferred",
        "message": "no room",
        "observedGeneration": 3,
        "lastTransitionTime": rfc3339(NOW - 9),
    }
    assert goes_on is not None
    assert (goes_on["reason"], goes_on["message"], goes_on["observedGeneration"]) == ("Error", "broken", 2)
    told = pod(status=built)
    assert resizes.pending_of(told) == PENDING
    assert resizes.progress_of(told) == Progress(2, NOW - 5, "broken")
    assert built["observedGeneration"] == 4
    assert metadata.condition({"status": built}, "Ready")["observedGeneration"] == 4  # type: ignore[index]


def test_they_go_when_nothing_is_to_be_resized():
    built = build(pod(), seen(run(), pending=PENDING))
    after = build(pod(status=built), seen(run()))
    assert "PodResizePending" not in [one["type"] for one in after["conditions"]]
    assert {"type": "PodResizePending", "$patch": "delete"} in shared.patch(after, built)["conditions"]


def test_a_pod_that_has_ended_is_not_resized():
    built = build(pod(restartPolicy="Never"), seen(run(exit=0), pending=PENDING))
    assert "PodResizePending" not in [one["type"] for one in built["conditions"]]


def test_a_container_has_what_is_in_force_and_what_is_allocated():
    [web] = build(pod(container(resources=ONE)), seen(run(resources=HALF)))["containerStatuses"]
    assert (web["resources"], web["allocatedResources"]) == (HALF, {"cpu": "1"})
    [ended] = build(pod(container(resources=ONE)), seen(run(resources=HALF, exit=0)))["containerStatuses"]
    assert ended["resources"] == ONE
    [never] = build(pod(container(resources=ONE)), seen())["containerStatuses"]
    assert "resources" not in never


def test_events_have_the_resources_as_json():
    text = resizes.message("Pod resize started", pod(container(resources=HALF)), 2)
    assert text == (
        'Pod resize started: {"containers":[{"name":"web","resources":'
        '{"limits":{"cpu":"1"},"requests":{"cpu":"500m"}}}],"generation":2}'
    )
