"""Real kubectls, old and new, with kinds of one's own."""

from __future__ import annotations

import json

import pytest

from tests.apiserver.customresources.boats import boat, definition
from tests.apiserver.harness import KUBECTL, Cluster
from tests.apiserver.kubectl import Kubectl


@pytest.fixture(params=["1.37", "1.20"])
def version(request: pytest.FixtureRequest) -> str:
    if not KUBECTL[request.param].exists():
        pytest.skip(f"kubectl {request.param} is not installed")
    return str(request.param)


@pytest.fixture
async def kubectl(cluster: Cluster, version: str) -> Kubectl:
    """A kubectl that has defined boats."""
    run = Kubectl(cluster, version)
    assert await run("apply", "-f", "-", input=definition()) == (
        "customresourcedefinition.apiextensions.k8s.io/boats.harbour.example created\n"
    )
    await run("wait", "--for=condition=Established", "crd/boats.harbour.example", "--timeout=10s")
    return run


async def test_objects_are_made_shown_changed_and_deleted(kubectl: Kubectl) -> None:
    assert await kubectl("apply", "-f", "-", input=boat()) == "boat.harbour.example/one created\n"
    assert await kubectl("apply", "-f", "-", input=boat()) == "boat.harbour.example/one unchanged\n"
    assert await kubectl("apply", "-f", "-", input=boat(length=13)) == "boat.harbour.example/one configured\n"
    header, row = (line.split() for line in (await kubectl("get", "bo")).splitlines())
    assert (header, row[:2]) == (["NAME", "LENGTH", "AGE"], ["one", "13"])
    assert "PHASE" in await kubectl("get", "boats", "-o", "wide")
    assert await kubectl("get", "all", "-o", "name") == "boat.harbour.example/one\n"
    assert await kubectl("get", "boat", "one", "-o", "jsonpath={.spec.colour}") == "blue"
    assert "Length:" in await kubectl("describe", "boat", "one")
    assert await kubectl("patch", "boat", "one", "--type=merge", "-p", '{"spec":{"colour":"red"}}') == (
        "boat.harbour.example/one patched\n"
    )
    assert await kubectl("get", "boats", "--field-selector", "spec.colour=red", "-o", "name") != ""
    assert await kubectl("get", "boats", "--field-selector", "spec.colour=blue", "-o", "name") == ""
    assert await kubectl("scale", "boat/one", "--replicas=5") == "boat.harbour.example/one scaled\n"
    assert await kubectl("get", "boat", "one", "-o", "jsonpath={.spec.berths}") == "5"
    assert await kubectl("delete", "boat", "one") in (
        'boat.harbour.example "one" deleted from demo namespace\n',
        'boat.harbour.example "one" deleted\n',
    )


async def test_explain_and_api_resources_follow_at_once(kubectl: Kubectl) -> None:
    assert "From bow to stern, in metres." in await kubectl("explain", "boat.spec.length")
    assert "crew" in await kubectl("explain", "boats.spec")
    assert "boats" in await kubectl("api-resources", "--api-group=harbour.example", "-o", "name")


async def test_a_strategic_patch_is_refused(kubectl: Kubectl, cluster: Cluster) -> None:
    await kubectl("create", "-f", "-", input=boat())
    status, _, answer = await cluster.request(
        "PATCH",
        "/apis/harbour.example/v1/namespaces/demo/boats/one",
        {"spec": {"length": 3}},
        Content_Type="application/strategic-merge-patch+json",
    )
    assert (status, answer["reason"]) == (415, "UnsupportedMediaType")
    assert "application/merge-patch+json" in answer["message"]


async def test_what_the_schema_does_not_allow_is_refused_with_its_place(kubectl: Kubectl) -> None:
    said = await kubectl("create", "--validate=false", "-f", "-", input=boat(length="x"), fails=True)
    assert 'spec.length: Invalid value: "string": spec.length in body must be of type integer' in said
    said = await kubectl("create", "--validate=false", "-f", "-", input=boat(colour="pink"), fails=True)
    assert 'spec.colour: Unsupported value: "pink": supported values: "red", "blue"' in said


async def test_the_objects_go_before_their_definition(kubectl: Kubectl) -> None:
    for name in ("one", "two"):
        await kubectl("create", "-f", "-", input=boat(name))
    await kubectl("delete", "crd", "boats.harbour.example")
    assert "could not find the requested resource" in await kubectl("get", "boats", fails=True)
    await kubectl("apply", "-f", "-", input=definition())
    await kubectl("wait", "--for=condition=Established", "crd/boats.harbour.example", "--timeout=10s")
    assert await kubectl("get", "boats", "-o", "name") == ""


async def test_two_appliers_share_an_object(kubectl: Kubectl, version: str) -> None:
    crew = {"name": "ann", "age": 30}
    await kubectl("apply", "--server-side", "--field-manager=yard", "-f", "-", input=boat(crew=[crew]))
    other = boat(crew=[{"name": "bob"}])
    del other["spec"]["length"]
    club = ("apply", "--server-side", "--field-manager=club", "--validate=false", "-f", "-")
    await kubectl(*club, input=other)
    shown = json.loads(await kubectl("get", "boat", "one", "-o", "json"))
    assert shown["spec"]["crew"] == [crew, {"name": "bob"}]
    said = await kubectl(
        "apply",
        "--server-side",
        "--field-manager=club",
        "--validate=false",
        "-f",
        "-",
        input=boat(length=9),
        fails=True,
    )
    assert 'conflict with "yard"' in said
    assert ".spec.length" in said
