"""What OpenAPI and discovery promise is what the server does: every operation, every parameter, and nothing besides.

The walk goes over every document of a running server, so that a promise somebody adds is held to at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import pytest

from tests.apiserver.harness import Cluster
from wherry.client.http import HttpClient
from wherry.objects.errors import ApiError

METHODS = {"get", "post", "put", "patch", "delete"}
PLACES = {"name": "nosuch", "namespace": "demo", "path": "x"}
UNKNOWN_PATH = "the server could not find the requested resource"
BODIES: dict[str, Any] = {
    "*/*": {},
    "application/json-patch+json": [],
    "application/merge-patch+json": {},
    "application/strategic-merge-patch+json": {},
    "application/apply-patch+yaml": {},
}
PASSED_ON = {"connect"}
"""Actions that somebody else answers: what stands in the query is for that one."""


class Operation(NamedTuple):
    path: str
    method: str
    spec: dict[str, Any]

    @property
    def action(self) -> str:
        return str(self.spec["x-kubernetes-action"])

    @property
    def url(self) -> str:
        return self.path.format(**PLACES)

    @property
    def bodies(self) -> list[str]:
        return list(self.spec.get("requestBody", {}).get("content", ()))

    @property
    def query(self) -> dict[str, str]:
        return {p["name"]: p["schema"]["type"] for p in self.spec["parameters"] if p["in"] == "query"}


async def served(client: HttpClient) -> list[Operation]:
    found = []
    index = await client.request("GET", "/openapi/v3")
    for path in index["paths"]:
        document = await client.request("GET", f"/openapi/v3/{path}")
        for url, item in document["paths"].items():
            found += [Operation(url, method, spec) for method, spec in item.items() if method != "parameters"]
    return found


@pytest.fixture
async def client(cluster: Cluster) -> AsyncIterator[HttpClient]:
    made = cluster.http()
    yield made
    await made.close()


async def outcome(client: HttpClient, method: str, url: str, body: str = "", **query: str) -> tuple[int, str]:
    """Return the status and the message of an answer; 200 stands for every success."""
    content = {"body": BODIES[body], "content_type": body.replace("*/*", "application/json")} if body else {}
    try:
        async with asyncio.timeout(3):
            await client.request(method.upper(), url, params=query, **content)
    except TimeoutError:
        return 200, "it goes on and on"
    except ApiError as error:
        return error.code, error.message
    return 200, ""


async def test_every_operation_that_is_promised_is_there_with_every_kind_of_body(client: HttpClient) -> None:
    refused = []
    operations = [o for o in await served(client) if o.method in METHODS]
    assert len(operations) > 250
    for operation in operations:
        dry = {"dryRun": "All"} if "dryRun" in operation.query else {}
        for body in operation.bodies or [""]:
            manager = {"fieldManager": "somebody"} if "apply" in body else {}
            code, message = await outcome(client, operation.method, operation.url, body, **dry, **manager)
            if code in (405, 406, 415, 500) or message.startswith(UNKNOWN_PATH):
                refused.append((operation.method, operation.path, body, code, message))
    assert refused == []


async def test_nothing_is_done_that_is_not_promised(client: HttpClient) -> None:
    promised: dict[str, set[str]] = {}
    for operation in await served(client):
        promised.setdefault(operation.path, set()).add(operation.method)
    done = []
    for path, methods in promised.items():
        for method in METHODS - methods:
            body = {"post": "*/*", "put": "*/*", "patch": "application/merge-patch+json"}.get(method, "")
            code, message = await outcome(client, method, path.format(**PLACES), body)
            if code != 405:
                done.append((method, path, code, message))
    assert done == [], done


NONSENSE: dict[str, dict[str, str]] = {
    "dryRun": {"dryRun": "Some"},
    "fieldManager": {"fieldManager": "x" * 129},
    "force": {"force": "true"},  # makes no sense where nothing is applied
    "fieldValidation": {"fieldValidation": "Maybe"},
    "gracePeriodSeconds": {"gracePeriodSeconds": "soon"},
    "propagationPolicy": {"propagationPolicy": "Sideways"},
    "orphanDependents": {"orphanDependents": "true", "propagationPolicy": "Orphan"},
    "labelSelector": {"labelSelector": "a in b"},
    "fieldSelector": {"fieldSelector": "no.such.field=1"},
    "limit": {"limit": "some"},
    "continue": {"continue": "?"},
    "resourceVersion": {"resourceVersion": "new"},
    "resourceVersionMatch": {"resourceVersionMatch": "Roughly", "resourceVersion": "1"},
    "timeoutSeconds": {"timeoutSeconds": "long"},
    "watch": {"watch": "true", "resourceVersion": "new"},
    "sendInitialEvents": {"sendInitialEvents": "true", "watch": "true"},
    "allowWatchBookmarks": {"allowWatchBookmarks": "true", "watch": "true", "timeoutSeconds": "long"},
}
"""What makes no sense for each parameter: a server that reads it refuses it."""


async def test_every_parameter_that_is_promised_is_read_nonsense_in_it_is_refused(client: HttpClient) -> None:
    ignored = []
    for operation in await served(client):
        if operation.action in PASSED_ON or operation.path.endswith("/log"):
            continue
        body = operation.bodies[0] if operation.bodies and operation.method != "delete" else ""
        for name in operation.query:
            code, message = await outcome(client, operation.method, operation.url, body, **NONSENSE[name])
            if code not in (400, 422):
                ignored.append((operation.method, operation.path, name, code, message))
    assert ignored == [], ignored


async def test_discovery_and_openapi_promise_the_same(client: HttpClient) -> None:
    methods = {"create": "post", "update": "put", "watch": "get", "list": "get", "deletecollection": "delete"}
    named: set[tuple[str, str, str]] = set()
    for root in ("/api", "/apis"):
        listed = await client.request("GET", root)
        versions = listed.get("versions") or [v["groupVersion"] for g in listed["groups"] for v in g["versions"]]
        for version in versions:
            for resource in (await client.request("GET", f"{root}/{version}"))["resources"]:
                plural, _, part = resource["name"].partition("/")
                for verb in resource["verbs"]:
                    place = "collection" if verb in ("list", "watch", "deletecollection") else "item"
                    place = "collection" if verb == "create" and not part else place
                    where = f"{root}/{version}/{plural}/{place}" + (f"/{part}" if part else "")
                    named.add((where, methods.get(verb, verb), plural))
    promised = set()
    for operation in await served(client):
        path = operation.path.replace("namespaces/{namespace}/", "")
        if operation.method not in METHODS or "{path}" in path:
            continue
        head, _, part = path.partition("/{name}")
        where = f"{head}/{'item' if '{name}' in path else 'collection'}{part}"
        promised.add((where, operation.method, head.rpartition("/")[2]))
    assert named == promised


async def test_strict_validation_holds_for_whatever_is_posted(client: HttpClient) -> None:
    BODIES["*/*"] = {"nosuchfield": 1}
    try:
        accepted = []
        for operation in await served(client):
            if operation.method == "post" and "fieldValidation" in operation.query:
                code, message = await outcome(client, "post", operation.url, "*/*", fieldValidation="Strict")
                if code != 400 or 'unknown field "nosuchfield"' not in message:
                    accepted.append((operation.path, code, message))
    finally:
        BODIES["*/*"] = {}
    # Definitions of custom resources are always refused, by name; what they look like the schema does not say.
    assert [a for a in accepted if "customresourcedefinitions" not in a[0]] == []


async def test_answers_are_indented_for_who_asks_and_for_peoples_tools(cluster: Cluster) -> None:
    async def shown(query: str, agent: str) -> bool:
        url = f"{cluster.url}/api/v1/namespaces/default{query}"
        files = [str(cluster.directory / f"admin.{end}") for end in ("crt", "key")]
        command = ["curl", "-sS", "--cacert", str(cluster.directory / "ca.crt"), "--cert", files[0], "--key", files[1]]
        process = await asyncio.create_subprocess_exec(*command, "-A", agent, url, stdout=-1)
        body, _ = await process.communicate()
        return b'\n  "kind": "Namespace"' in body

    assert not await shown("", "kubectl/v1.37.0")
    assert await shown("?pretty=true", "kubectl/v1.37.0")
    assert await shown("", "curl/8.0")
    assert not await shown("?pretty=false", "curl/8.0")


async def test_objects_come_as_json_or_yaml_and_in_nothing_else(cluster: Cluster, client: HttpClient) -> None:
    (read,) = [o for o in await served(client) if (o.path, o.method) == ("/api/v1/namespaces/{name}", "get")]
    for media in read.spec["responses"]["200"]["content"]:
        status, headers, _ = await cluster.request("GET", "/api/v1/namespaces/default", Accept=media)
        assert (status, headers["content-type"].partition(";")[0]) == (200, media)
    assert (await cluster.request("GET", "/api/v1/namespaces/default", Accept="application/cbor"))[0] == 406
