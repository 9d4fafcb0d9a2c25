"""A document that makes much of few bytes is refused with a reason, and cheaply, however it is written."""

from __future__ import annotations

import asyncio
import base64
import gzip
import itertools
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.apiserver.harness import Cluster
from wherry.objects import wire
from wherry.objects.resource import CONFIG_MAPS as CONFIG_MAP

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
PODS = "/api/v1/namespaces/default/pods"
YAML, PROTOBUF = "application/yaml", "application/vnd.kubernetes.protobuf"
JSON_PATCH, MERGE_PATCH = "application/json-patch+json", "application/merge-patch+json"
STRATEGIC_PATCH = "application/strategic-merge-patch+json"


def levels(first: str, level: str) -> bytes:
    """Return YAML in which each line repeats the one before nine times."""
    names = "abcdefghij"
    lines = [f"a: &a {first}"]
    lines += [f"{new}: &{new} {level % ', '.join([f'*{old}'] * 9)}" for old, new in itertools.pairwise(names)]
    return "\n".join(lines).encode()


def nested(opening: str, closing: str, depth: int, inner: str = "") -> str:
    return opening * depth + inner + closing * depth


def protobuf(kind: str, raw: bytes) -> bytes:
    named = wire.write_bytes(1, b"v1") + wire.write_bytes(2, kind.encode())
    return b"k8s\0" + wire.write_bytes(1, named) + wire.write_bytes(2, raw)


def with_fields(document: bytes) -> bytes:
    """Return a ConfigMap whose managed fields are `document`."""
    managed = wire.write_bytes(7, wire.write_bytes(1, document))
    return protobuf("ConfigMap", wire.write_bytes(1, wire.write_bytes(1, b"demo") + wire.write_bytes(17, managed)))


LONG = "x" * 1_000_000
BODIES: dict[str, tuple[str, str, bytes, int, str]] = {
    "aliases of aliases": (CONFIG_MAPS, YAML, levels("[1, 1]", "[%s]"), 400, "values"),
    "merges of merges": (CONFIG_MAPS, YAML, levels("{k: v}", "[%s]") + b"\nz: {<<: *j}", 400, ""),
    "an alias of a long text": (
        CONFIG_MAPS,
        YAML,
        f"a: &a {LONG}\nb: [{', '.join(['*a'] * 1000)}]".encode(),
        400,
        "size",
    ),
    "an alias within itself": (CONFIG_MAPS, YAML, b"a: &a [*a]", 400, "depth"),
    "a number in base 60": (CONFIG_MAPS, YAML, f"metadata: {':'.join(['1'] * 400_000)}".encode(), 400, ""),
    "a hexadecimal number": (CONFIG_MAPS, YAML, f"metadata: 0x{'1' * 2_000_000}".encode(), 400, "a number of"),
    "many YAML values": (CONFIG_MAPS, YAML, b"a:\n" + b"- 1\n" * 700_000, 400, "values"),
    "deep YAML": (CONFIG_MAPS, YAML, nested("[", "]", 900).encode(), 400, "depth"),
    "deep block YAML": (CONFIG_MAPS, YAML, b"- " * 100_000, 400, "depth"),
    "deep JSON": (CONFIG_MAPS, "application/json", nested('{"a":', "}", 900, "1").encode(), 400, "depth"),
    "deeper JSON, cut off": (CONFIG_MAPS, "application/json", b'{"a":' * 50_000, 400, "depth"),
    "deep brackets after a text with brackets": (
        CONFIG_MAPS,
        "application/json",
        ('{"a":"' + r"]\"}" * 1000 + '","b":' + nested("[", "]", 200) + "}").encode(),
        400,
        "depth",
    ),
    "many JSON values": (CONFIG_MAPS, "application/json", b'{"a":[' + b"[]," * 900_000 + b"[]]}", 400, "values"),
    "a large body": (CONFIG_MAPS, "application/json", b" " * 3_200_000, 413, "too large"),
    "many messages": (PODS, PROTOBUF, protobuf("Pod", wire.write_bytes(2, b"\x12\0" * 1_400_000)), 400, "values"),
    "many entries": (CONFIG_MAPS, PROTOBUF, protobuf("ConfigMap", b"\x12\0" * 1_400_000), 400, "values"),
    "deep JSON in protobuf": (
        CONFIG_MAPS,
        PROTOBUF,
        with_fields(nested('{"a":', "}", 900, "1").encode()),
        400,
        "depth",
    ),
    "deeper JSON in protobuf": (CONFIG_MAPS, PROTOBUF, with_fields(b'{"a":' * 90_000), 400, "depth"),
}

DOUBLING = [{"op": "copy", "from": "", "path": f"/data/k{i}"} for i in range(19)]
PATCHES: dict[str, tuple[str, Any, int, str]] = {
    "copies that double": (JSON_PATCH, DOUBLING, 422, "accumulated size"),
    "copies into themselves": (JSON_PATCH, [{"op": "copy", "from": "/data", "path": "/data/a"}] * 3000, 422, ""),
    "a path of many parts": (JSON_PATCH, [{"op": "add", "path": "/a" * 2000, "value": 1}], 422, "depth"),
    "additions one in the other": (
        JSON_PATCH,
        [{"op": "add", "path": "/x" + "/a" * i, "value": {}} for i in range(200)],
        422,
        "depth",
    ),
    "too many operations": (JSON_PATCH, [{"op": "test", "path": "", "value": 1}] * 10_001, 413, "operations"),
    "a deep merge patch": (MERGE_PATCH, nested('{"a":', "}", 900, "1"), 400, "depth"),
    "a cut off merge patch": (MERGE_PATCH, '{"a":' * 50_000, 400, "depth"),
    "a deep strategic patch": (STRATEGIC_PATCH, nested('{"a":', "}", 900, "1"), 400, "depth"),
    "a patch of many values": (MERGE_PATCH, {"a": [[]] * 200_000}, 400, "values"),
    "metadata removed": (JSON_PATCH, [{"op": "remove", "path": "/metadata"}], 400, "name must be provided"),
    "metadata removed by a merge": (MERGE_PATCH, {"metadata": None}, 400, "name must be provided"),
    "everything replaced": (JSON_PATCH, [{"op": "replace", "path": "", "value": {}}], 400, "name must be provided"),
    "a list of nothing": (STRATEGIC_PATCH, {"metadata": {"ownerReferences": [None]}}, 422, "null"),
    "an order of nothing": (
        STRATEGIC_PATCH,
        {"metadata": {"$setElementOrder/ownerReferences": [None], "ownerReferences": [{"uid": "x"}]}},
        422,
        "null",
    ),
    "a key that is no value": (STRATEGIC_PATCH, {"metadata": {"ownerReferences": [{"uid": {}}]}}, 422, "plain"),
}

HEADER = base64.urlsafe_b64encode(b'{"alg":"RS256","x":' + nested("[", "]", 20_000).encode() + b"}").decode()
LATER = base64.urlsafe_b64encode(b'{"revision":99999999999999999999,"namespace":"","name":""}').decode().rstrip("=")
QUERIES = {
    "a selector of many terms": ("labelSelector=" + ",".join(f"!a{i}" for i in range(5000)), 400),
    "a field selector of many terms": ("fieldSelector=" + ",".join(f"metadata.name!=a{i}" for i in range(2000)), 400),
    "a version of many digits": ("resourceVersion=" + "9" * 5000, 400),
    "a version out of range": ("resourceVersion=99999999999999999999999", 400),
    "a long continue token": ("continue=" + "A" * 60_000, 400),
    "a continue token of other letters": ("continue=%ff%fe", 400),
    "a continue token from the future": (f"limit=1&continue={LATER}", 504),
}


pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        owner = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": "none"}
        made = {"metadata": {"name": "a", "ownerReferences": [owner]}, "data": {"x": LONG}}
        assert (await cluster.request("POST", CONFIG_MAPS, made))[0] == 201
        yield cluster


@pytest.mark.parametrize("attack", BODIES)
async def test_a_body_over_the_budget_is_refused(cluster: Cluster, attack: str) -> None:
    path, media, body, code, why = BODIES[attack]
    async with asyncio.timeout(20):
        got, _, status = await cluster.request("POST", path, body, Content_Type=media)
    assert (got, status["kind"]) == (code, "Status"), status
    assert why in status["message"]


@pytest.mark.parametrize("attack", PATCHES)
async def test_a_patch_over_the_budget_is_refused_and_changes_nothing(cluster: Cluster, attack: str) -> None:
    media, patch, code, why = PATCHES[attack]
    body = patch.encode() if isinstance(patch, str) else json.dumps(patch).encode()
    before = await cluster.client.get(CONFIG_MAP, "a", "default")
    async with asyncio.timeout(20):
        got, _, status = await cluster.request("PATCH", f"{CONFIG_MAPS}/a", body, Content_Type=media)
    assert (got, status["kind"]) == (code, "Status"), status
    assert why in status["message"]
    assert await cluster.client.get(CONFIG_MAP, "a", "default") == before


@pytest.mark.parametrize("attack", QUERIES)
async def test_a_query_over_the_budget_is_refused(cluster: Cluster, attack: str) -> None:
    query, code = QUERIES[attack]
    got, _, status = await cluster.request("GET", f"{CONFIG_MAPS}?{query}")
    assert (got, status["kind"]) == (code, "Status"), status


async def test_a_compressed_body_is_refused_unopened(cluster: Cluster) -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    for encoding in ("gzip", "deflate", "br", "zstd", "nonsense"):
        got, _, status = await cluster.request("POST", CONFIG_MAPS, bomb, Content_Encoding=encoding)
        assert (got, status["reason"]) == (415, "UnsupportedMediaType"), status


@pytest.mark.parametrize("token", [f"{HEADER}.e30.e30", "a" * 60_000, "..", "bnVsbA.e30.e30", "W10.e30.e30"])
async def test_a_token_that_makes_no_sense_is_nobodys(cluster: Cluster, token: str) -> None:
    assert (await cluster.request("GET", CONFIG_MAPS, user="", Authorization=f"Bearer {token}"))[0] == 401
    review = {"spec": {"token": token}}
    got, _, answer = await cluster.request("POST", "/apis/authentication.k8s.io/v1/tokenreviews", review)
    assert (got, answer["status"]["authenticated"]) == (201, False)


async def test_what_people_write_is_within_the_budget(cluster: Cluster) -> None:
    """A ConfigMap of a mebibyte of small keys; YAML with an alias, a merge, and times that are no numbers."""
    keys = {"metadata": {"name": "keys"}, "data": {f"k{i}": "v" for i in range(40_000)}}
    assert (await cluster.request("POST", CONFIG_MAPS, keys))[0] == 201
    text = b"metadata: {name: times, labels: &l {a: b}, annotations: {<<: *l, c: d}}\ndata: {x: 10:30:00, y: 1:30.5}"
    code, _, made = await cluster.request("POST", CONFIG_MAPS, text, Content_Type=YAML)
    assert (code, made.get("data")) == (201, {"x": "10:30:00", "y": "1:30.5"}), made
    assert made["metadata"]["annotations"] == {"a": "b", "c": "d"}
