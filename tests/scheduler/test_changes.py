"""What a change of a pod on a node means for those that wait."""

from __future__ import annotations

from tests.scheduler.builders import pod
from wherry.objects import Object
from wherry.scheduler.changes import pod_events
from wherry.scheduler.plugin import Event


def sized(wanted: str, told: str = "") -> Object:
    resources = {"requests": {"cpu": told}}
    statuses = [{"name": "c", "resources": resources, "allocatedResources": {"cpu": told}}] if told else []
    return {**pod("a", cpu=wanted), "status": {"phase": "Running", "containerStatuses": statuses}}


def test_a_pod_that_has_shrunk_makes_room() -> None:
    assert pod_events(sized("1", "2"), sized("1", "1")) == {Event.POD_REMOVED}


def test_one_that_is_to_shrink_does_not_yet_nor_does_one_that_grows() -> None:
    assert pod_events(sized("2", "2"), sized("1", "2")) == set()
    assert pod_events(sized("1", "1"), sized("2", "1")) == set()
    assert pod_events(sized("1"), sized("1", "1")) == set()
