"""What the schema calls required is refused when it is missing, by the kind's own checks or by the schema."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.kinds.pipeline import accepted, write
from tests.apiserver.samples import deployment, pod
from wherry.apiserver.kinds.common import required
from wherry.objects import Object
from wherry.objects.definitions import of_kind


def a_pod(**spec: Any) -> Object:
    made = {"apiVersion": "v1", "kind": "Pod", **pod("a")}
    return {**made, "spec": {**made["spec"], **spec}}


def a_container(**more: Any) -> list[Object]:
    return [{"name": "c", "image": "i", **more}]


@pytest.mark.parametrize(
    ("obj", "errors"),
    [
        (a_pod(os={}), ["spec.os.name: Required value"]),
        (
            a_pod(containers=a_container(resources={"claims": [{}]})),
            ["spec.containers[0].resources.claims[0].name: Required value"],
        ),
        (
            a_pod(containers=a_container(volumeDevices=[{"name": "d"}])),
            ["spec.containers[0].volumeDevices[0].devicePath: Required value"],
        ),
        (
            a_pod(containers=a_container(resizePolicy=[{"resourceName": "cpu"}])),
            ["spec.containers[0].resizePolicy[0].restartPolicy: Required value"],
        ),
    ],
)
def test_what_no_kind_checks_by_hand_the_schema_does(obj: Object, errors: list[str]) -> None:
    _, found = write(obj)
    assert [str(error) for error in found] == errors


def test_what_a_kind_says_itself_is_not_said_twice() -> None:
    _, found = write(a_pod(containers=[{"image": "i"}]))
    assert [str(error) for error in found] == ["spec.containers[0].name: Required value"]


def test_templates_are_held_to_it_as_pods_are() -> None:
    workload = {"apiVersion": "apps/v1", "kind": "Deployment", **deployment("a")}
    workload["spec"]["template"]["spec"]["os"] = {}
    _, found = write(workload)
    assert [str(error) for error in found] == ["spec.template.spec.os.name: Required value"]


def test_an_object_that_is_stored_already_can_still_be_changed_elsewhere() -> None:
    old = accepted(a_pod())
    old["spec"]["os"] = {"name": ""}
    type_ = of_kind(("", "v1", "Pod"))
    assert type_ is not None
    labelled = {**old, "metadata": {**old["metadata"], "labels": {"a": "b"}}, "status": {"phase": "Running"}}
    assert required.missing(labelled, old, type_, []) == []
    changed = {**old, "spec": {**old["spec"], "hostname": "h"}}
    assert [e.field for e in required.missing(changed, old, type_, [])] == ["spec.os.name"]


def test_whatever_the_schema_requires_of_a_pods_lists_is_held_to() -> None:
    type_ = of_kind(("", "v1", "Pod"))
    assert type_ is not None
    spec = type_.types["io.k8s.api.core.v1.PodSpec"]
    given = {name: [{}] for name, field in spec.json.items() if field.type.startswith("[]#")}
    found = {path.rpartition(".")[0] for path in required._within({"spec": given}, "", type_)}
    wanted = {
        f"spec.{name}[0]"
        for name, field in spec.json.items()
        if field.type.startswith("[]#")
        and any(f.required and f.type == "string" for f in type_.types[field.type[3:]].json.values())
    }
    assert wanted <= found
    assert len(wanted) > 5
