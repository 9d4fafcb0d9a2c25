"""Lists, pages, versions and watches, over HTTP as clients ask for them."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map
from wherry.apiserver.registry.paging import Continue
from wherry.objects.resource import CONFIG_MAPS

PATH = "/api/v1/namespaces/demo/configmaps"


async def fill(cluster: Cluster, names: str = "abcde") -> None:
    for name in names:
        await cluster.client.create(CONFIG_MAPS, config_map(name, x=name), "demo")


def names(listed: Any) -> str:
    return "".join(item["metadata"]["name"] for item in listed["items"])


async def test_pages_show_one_moment_whatever_happens_between_them(cluster: Cluster) -> None:
    await fill(cluster)
    _, _, first = await cluster.request("GET", f"{PATH}?limit=2")
    await cluster.client.delete(CONFIG_MAPS, "d", "demo")
    await cluster.client.create(CONFIG_MAPS, config_map("c2"), "demo")
    await cluster.client.patch(CONFIG_MAPS, "e", {"data": {"x": "changed"}}, "demo")
    seen, page = names(first), first
    while token := page["metadata"].get("continue"):
        _, _, page = await cluster.request("GET", f"{PATH}?limit=2&continue={token}")
        assert page["metadata"]["resourceVersion"] == first["metadata"]["resourceVersion"]
        seen += names(page)
    assert seen == "abcde"
    assert page["items"][-1]["data"] == {"x": "e"}


async def test_pages_say_how_many_objects_are_left(cluster: Cluster) -> None:
    await fill(cluster)
    _, _, first = await cluster.request("GET", f"{PATH}?limit=2")
    assert first["metadata"]["remainingItemCount"] == 3
    await cluster.client.delete(CONFIG_MAPS, "d", "demo")
    _, _, second = await cluster.request("GET", f"{PATH}?limit=2&continue={first['metadata']['continue']}")
    assert second["metadata"]["remainingItemCount"] == 1
    _, _, last = await cluster.request("GET", f"{PATH}?limit=2&continue={second['metadata']['continue']}")
    assert "remainingItemCount" not in last["metadata"]
    _, _, selected = await cluster.request("GET", f"{PATH}?limit=2&labelSelector=!x")
    assert "remainingItemCount" not in selected["metadata"]


async def test_who_comes_too_late_for_a_page_may_go_on_with_things_as_they_are(cluster: Cluster) -> None:
    await fill(cluster)
    _, _, first = await cluster.request("GET", f"{PATH}?limit=2")
    await cluster.client.delete(CONFIG_MAPS, "d", "demo")
    collection = cluster.server.api.registry.state.collection(cluster.server.catalog.kind("", "configmaps"))
    collection.window._start = collection.revision  # as after many changes
    status, _, late = await cluster.request("GET", f"{PATH}?limit=2&continue={first['metadata']['continue']}")
    assert (status, late["reason"]) == (410, "Expired")
    assert late["message"].startswith("The provided continue parameter is too old to display a consistent list result.")
    status, _, rest = await cluster.request("GET", f"{PATH}?limit=2&continue={late['metadata']['continue']}")
    assert (status, names(rest)) == (200, "ce")
    assert int(rest["metadata"]["resourceVersion"]) > int(first["metadata"]["resourceVersion"])


@pytest.mark.parametrize("token", ["nonsense", Continue(-2, "demo", "a").token()])
async def test_a_token_that_is_none_is_refused(cluster: Cluster, token: str) -> None:
    status, _, body = await cluster.request("GET", f"{PATH}?limit=2&continue={token}")
    assert (status, body["reason"]) == (400, "BadRequest")


async def test_an_exact_version_shows_the_past(cluster: Cluster) -> None:
    await fill(cluster, "ab")
    version = (await cluster.client.list(CONFIG_MAPS, "demo")).resource_version
    await fill(cluster, "c")
    query = f"resourceVersion={version}&resourceVersionMatch"
    _, _, exact = await cluster.request("GET", f"{PATH}?{query}=Exact")
    _, _, newer = await cluster.request("GET", f"{PATH}?{query}=NotOlderThan")
    assert (names(exact), names(newer)) == ("ab", "abc")
    assert exact["metadata"]["resourceVersion"] == version


async def test_a_version_from_the_future_is_waited_for_and_then_refused(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("wherry.apiserver.registry.versions.PATIENCE_SECONDS", 0.2)
    status, _, body = await cluster.request("GET", f"{PATH}?resourceVersion=99999")
    assert (status, body["reason"]) == (504, "Timeout")
    assert body["message"].startswith("Timeout: Too large resource version: 99999, current: ")
    assert body["details"]["causes"][0]["reason"] == "ResourceVersionTooLarge"
    revision = int((await cluster.client.list(CONFIG_MAPS, "demo")).resource_version)
    monkeypatch.setattr("wherry.apiserver.registry.versions.PATIENCE_SECONDS", 5)
    arrived, state = asyncio.Event(), cluster.server.api.registry.state
    reached = state.reached
    monkeypatch.setattr(state, "reached", lambda version: arrived.set() or reached(version))
    waiting = asyncio.create_task(cluster.request("GET", f"{PATH}?resourceVersion={revision + 1}"))
    await arrived.wait()
    await fill(cluster, "a")
    assert names((await waiting)[2]) == "a"


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("resourceVersion=abc", 400),
        ("resourceVersionMatch=Exact", 422),
        ("resourceVersion=0&resourceVersionMatch=Exact", 422),
        ("resourceVersion=1&resourceVersionMatch=Somehow", 422),
        ("labelSelector=a==b==c", 400),
        ("fieldSelector=spec.x=1", 400),
        ("limit=many", 400),
        ("watch=1&resourceVersionMatch=NotOlderThan", 422),
        ("watch=1&sendInitialEvents=true", 422),
    ],
)
async def test_a_query_that_makes_no_sense_is_refused(cluster: Cluster, query: str, status: int) -> None:
    assert (await cluster.request("GET", f"{PATH}?{query}"))[0] == status


async def events(cluster: Cluster, query: str, seconds: int = 1) -> list[tuple[str, str]]:
    """Return (type, name) of all events of a watch of `seconds`; a bookmark's name is its annotations."""
    _, _, text = await cluster.request(
        "GET", f"{PATH}?watch=1&timeoutSeconds={seconds}&{query}", Accept="text/plain,*/*"
    )
    lines = text.splitlines() if isinstance(text, str) else [json.dumps(text)]
    found = []
    for line in lines:
        event = json.loads(line)
        metadata = event["object"]["metadata"]
        found.append((event["type"], metadata.get("name") or json.dumps(metadata.get("annotations"))))
    return found


@pytest.fixture
def raw(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `Cluster.request` hand event streams over as text."""
    loads = json.loads

    def lenient(text: Any) -> Any:
        return text.decode() if isinstance(text, bytes) and text.count(b"\n") > 0 else loads(text)

    monkeypatch.setattr("tests.apiserver.harness.json.loads", lenient)


@pytest.mark.usefixtures("raw")
async def test_watches_begin_where_they_are_told_to(cluster: Cluster) -> None:
    await fill(cluster, "ab")
    version = (await cluster.client.list(CONFIG_MAPS, "demo")).resource_version
    await fill(cluster, "c")
    mark = ("BOOKMARK", '{"k8s.io/initial-events-end": "true"}')
    initial = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan"
    everything = [("ADDED", "a"), ("ADDED", "b"), ("ADDED", "c")]
    assert await asyncio.gather(
        events(cluster, f"resourceVersion={version}"),
        events(cluster, ""),
        events(cluster, "resourceVersion=0"),
        events(cluster, f"{initial}&allowWatchBookmarks=true"),
        events(cluster, f"{initial}&resourceVersion={version}"),
        events(cluster, f"{initial}&fieldSelector=metadata.name=b"),
        events(cluster, f"sendInitialEvents=false&resourceVersionMatch=NotOlderThan&resourceVersion={version}"),
    ) == [
        [("ADDED", "c")],
        everything,
        everything,
        [*everything, mark, ("BOOKMARK", "null")],
        [*everything, mark],
        [("ADDED", "b"), mark],
        [("ADDED", "c")],
    ]


async def test_a_version_that_is_forgotten_is_an_error_event(cluster: Cluster) -> None:
    collection = cluster.server.api.registry.state.collection(cluster.server.catalog.kind("", "configmaps"))
    collection.window._start = 10_000  # as after many changes
    _, _, event = await cluster.request("GET", f"{PATH}?watch=1&resourceVersion=5")
    assert event["type"] == "ERROR"
    assert (event["object"]["code"], event["object"]["reason"]) == (410, "Expired")
    assert event["object"]["message"] == "too old resource version: 5 (10000)"
