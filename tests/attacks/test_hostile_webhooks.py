"""A webhook that answers with nonsense harms the requests that it is asked about, and nobody else."""

from __future__ import annotations

import base64
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.apiserver.admission.hookserver import HookServer
from tests.apiserver.harness import Cluster
from tests.apiserver.samples import config_map
from wherry.objects import Object
from wherry.objects.resource import MUTATING_WEBHOOK_CONFIGURATIONS, NAMESPACES

PATH = "/api/v1/namespaces/demo/configmaps"


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    async with Cluster(tmp_path) as cluster:
        await cluster.client.create(NAMESPACES, {"metadata": {"name": "demo"}})
        yield cluster


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[HookServer]:
    async with HookServer(tmp_path) as server:
        yield server


def deep(levels: int) -> str:
    return "[" * levels + "]" * levels


def patch(text: str) -> Object:
    return {"allowed": True, "patchType": "JSONPatch", "patch": base64.b64encode(text.encode()).decode()}


def raw(response: str) -> Any:
    """Return an answer whose response is this text, with `uid` in front."""

    def answer(request: Object) -> Object:
        head = f'{{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{{"uid":"{request["uid"]}",'
        return {"raw": head + response + "}}"}

    return answer


DOUBLING = json.dumps([{"op": "copy", "from": "/data", "path": f"/data/k{i}"} for i in range(30)])
UNREADABLE: dict[str, Any] = {
    "nothing": lambda _: {"raw": ""},
    "bytes that are no text": lambda _: {"raw": "\x00\x01"},
    "lists without end": lambda _: {"raw": deep(100_000)},
    "lists without end in a field nobody knows": raw(f'"allowed":true,"x":{deep(100_000)}'),
    "lists without end in its status": raw(f'"allowed":false,"status":{{"details":{deep(100_000)}}}'),
    "a number without end": raw(f'"allowed":false,"status":{{"code":{"9" * 100_000}}}'),
    "a text for a truth": raw('"allowed":"true"'),
    "8 MiB and more": lambda _: {"raw": " " * (9 << 20)},
    "a patch that is no base64": lambda _: {**patch(""), "patch": "%%%"},
    "a patch that is no list": lambda _: patch("{}"),
    "a patch without end": lambda _: patch(deep(100_000)),
    "a long way to send elsewhere": lambda _: {"raw": "x" * 100_000, "code": 500},
}
REFUSED: dict[str, Any] = {
    "copies that double": lambda _: patch(DOUBLING),
    "100,000 operations": lambda _: patch(json.dumps([{"op": "test", "path": "", "value": 1}] * 100_000)),
    "operations that are none": lambda _: patch('[1, null, {"op": "add"}, {"op": [], "path": {}}]'),
    "an operation without a path": lambda _: patch('[{"op": "add", "value": 1}]'),
    "deep values": lambda _: patch(f'[{{"op": "add", "path": "/data", "value": {deep(900)}}}]'),
    "very many values": lambda _: patch(json.dumps([{"op": "add", "path": "/data", "value": [[]] * 200_000}])),
    "another kind": lambda _: patch('[{"op": "replace", "path": "/kind", "value": "Pod"}]'),
    "no object": lambda _: patch('[{"op": "replace", "path": "", "value": 1}]'),
    "no metadata": lambda _: patch('[{"op": "remove", "path": "/metadata"}]'),
    "metadata of text": lambda _: patch('[{"op": "replace", "path": "/metadata", "value": "x"}]'),
    "data too large": lambda _: patch(json.dumps([{"op": "add", "path": "/data", "value": {"x": "y" * 4_000_000}}])),
}


async def configure(cluster: Cluster, hooks: HookServer, answer: Any, **changes: Any) -> None:
    hook = hooks.hook("hostile", answer, "configmaps", **changes)
    made = {"metadata": {"name": "hooks"}, "webhooks": [hook]}
    await cluster.client.create(MUTATING_WEBHOOK_CONFIGURATIONS, made)


@pytest.mark.parametrize("attack", UNREADABLE)
async def test_an_answer_that_cannot_be_read_is_a_failed_call(cluster: Cluster, hooks: HookServer, attack: str) -> None:
    await configure(cluster, hooks, UNREADABLE[attack])
    code, _, status = await cluster.request("POST", PATH, config_map("a"))
    assert (code, status["reason"]) == (500, "InternalError"), status
    assert status["message"].startswith('Internal error occurred: failed calling webhook "hostile.example.com": ')
    assert len(status["message"]) < 4096
    await cluster.client.delete(MUTATING_WEBHOOK_CONFIGURATIONS, "hooks")
    await configure(cluster, hooks, UNREADABLE[attack], failurePolicy="Ignore")
    assert (await cluster.request("POST", PATH, config_map("a")))[0] == 201


@pytest.mark.parametrize("attack", REFUSED)
async def test_a_patch_that_makes_no_object_changes_nothing(cluster: Cluster, hooks: HookServer, attack: str) -> None:
    await configure(cluster, hooks, REFUSED[attack])
    code, _, status = await cluster.request("POST", PATH, config_map("a", x="y" * 1000))
    assert (code, status["kind"]) in ((400, "Status"), (413, "Status"), (422, "Status"), (500, "Status")), status
    assert "hostile.example.com" in status["message"] or code != 500, status
    assert (await cluster.request("GET", f"{PATH}/a"))[0] == 404


@pytest.mark.parametrize(
    "status",
    [
        {"code": 99999},
        {"code": 2**70},
        {"code": -1},
        {"code": 204.5},
        {"code": "403"},
        {"code": True},
        {"code": 1000},
        {"details": "x"},
        {"details": [1]},
        {"reason": ["x"], "message": {"a": 1}},
        {"message": "\x00\r\nSet-Cookie: a=b", "reason": "a\r\nb"},
    ],
)
async def test_a_refusal_in_odd_words_is_a_status_that_clients_read(
    cluster: Cluster, hooks: HookServer, status: Object
) -> None:
    await configure(cluster, hooks, lambda _: {"allowed": False, "status": status})
    code, headers, answer = await cluster.request("POST", PATH, config_map("a"))
    assert 400 <= code < 600, answer
    assert (answer["kind"], answer["code"]) == ("Status", code)
    assert isinstance(answer.get("details", {}), dict)
    assert answer["message"].startswith('admission webhook "hostile.example.com" denied the request')
    assert "set-cookie" not in headers


async def test_what_it_says_besides_fills_neither_the_answers_head_nor_the_log(
    cluster: Cluster, hooks: HookServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    many = {f"key-{i}": "x" * 50 for i in range(20_000)}
    warnings = [f"{i} " + "w" * 100 for i in range(20_000)]
    await configure(cluster, hooks, lambda _: {"allowed": True, "warnings": warnings, "auditAnnotations": many})
    code, headers, _ = await cluster.request("POST", PATH, config_map("a"))
    assert code == 201
    assert headers["warning"].startswith('299 - "')
    assert sum(len(record.getMessage()) for record in caplog.records) < 100_000
