"""Definitions and objects that make much of little: regular expressions, defaults, names, unions, JSON paths."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from tests.apiserver.customresources.boats import BOATS, boat, definition, version
from tests.apiserver.harness import Cluster
from wherry.objects import Object, metadata
from wherry.objects.resource import CUSTOM_RESOURCE_DEFINITIONS
from wherry.objects.structural import formats, paths, values
from wherry.objects.structural.shape import Shape

PATH = f"/apis/{BOATS.api_version}/namespaces/default/boats"
TEXT = {"type": "string"}
THING: Object = {"type": "object", "properties": {"a": TEXT}}
LONG = "n" * 1_000_000

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def cluster(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Cluster]:
    async with Cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


async def defined(cluster: Cluster, schema: Object, **changes: Any) -> None:
    """Define boats anew, with this schema of `spec`."""
    client = cluster.client
    if (await client.list(CUSTOM_RESOURCE_DEFINITIONS)).items:
        await client.delete(CUSTOM_RESOURCE_DEFINITIONS, "boats.harbour.example")
        while (await client.list(CUSTOM_RESOURCE_DEFINITIONS)).items:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    whole = {"openAPIV3Schema": {"type": "object", "properties": {"spec": schema}}}
    plain = {"subresources": {}, "selectableFields": [], "additionalPrinterColumns": []}
    await client.create(CUSTOM_RESOURCE_DEFINITIONS, definition(version(schema=whole, **(plain | changes))))
    while not metadata.is_true(  # noqa: ASYNC110
        await client.get(CUSTOM_RESOURCE_DEFINITIONS, "boats.harbour.example"), "Established"
    ):
        await asyncio.sleep(0.02)


def list_of(item: Object) -> Object:
    return {"type": "object", "properties": {"list": {"type": "array", "items": item}}}


MAP = {"type": "object", "additionalProperties": {"type": "array", "items": {"type": "integer"}}}
OBJECTS: dict[str, tuple[Object, Object, int, str]] = {
    "values under a long name": (MAP, {LONG: [1] * 90_000}, 400, "field paths"),
    "wrong values under a long name": (MAP, {LONG: ["x"] * 90_000}, 400, "field paths"),
    "wrong values": (MAP, {"a": ["x"] * 90_000}, 422, "must be of type integer"),
    "a long pattern, often": (
        list_of({"type": "string", "pattern": "a" * 20_000}),
        {"list": ["b"] * 90_000},
        422,
        "should match",
    ),
    "a long enumeration, often": (
        list_of({"type": "string", "enum": [f"value-{i}" for i in range(20_000)]}),
        {"list": ["b"] * 20_000},
        422,
        "",
    ),
    "unions of many": (
        list_of({"type": "integer", "anyOf": [{"minimum": i} for i in range(1000, 4000)]}),
        {"list": [1] * 40_000},
        422,
        "checks",
    ),
    "a number of 3 MB for a duration": (
        list_of({"type": "string", "format": "duration"}),
        {"list": ["1" * 2_900_000]},
        422,
        "",
    ),
    "lists without end": (
        {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        json.loads('{"a":' * 120 + "1" + "}" * 120),
        201,
        "",
    ),
}


@pytest.mark.parametrize("attack", OBJECTS)
async def test_an_object_that_makes_much_of_its_schema_is_refused(cluster: Cluster, attack: str) -> None:
    schema, spec, code, why = OBJECTS[attack]
    await defined(cluster, schema)
    async with asyncio.timeout(60):
        got, _, status = await cluster.request("POST", PATH, boat() | {"spec": spec})
    assert got == code, str(status)[:500]
    assert why in json.dumps(status)
    assert len(json.dumps(status)) < 20_000_000


async def test_defaults_are_filled_in_as_often_as_they_fit(cluster: Cluster) -> None:
    many = {"type": "array", "items": TEXT, "default": ["x"] * 10_000}
    await defined(cluster, list_of({"type": "object", "properties": {"many": many}}))
    spec = {"list": [{}] * 20_000}
    got, headers, made = await cluster.request("POST", PATH, boat() | {"spec": spec})
    assert got == 201, str(made)[:500]
    assert "defaults are left out" in headers["warning"]
    assert len(json.dumps(made)) < 10_000_000
    got, _, status = await cluster.request("POST", f"{PATH}?fieldValidation=Strict", boat("two") | {"spec": spec})
    assert got == 400, str(status)[:500]
    got, headers, made = await cluster.request("POST", PATH, boat("three") | {"spec": {"list": [{}] * 3}})
    assert "warning" not in headers
    assert [len(item["many"]) for item in made["spec"]["list"]] == [10_000] * 3


DEEP = json.loads('{"a":' * 60 + "{}" + "}" * 60)


async def test_a_column_looks_at_every_value_once(cluster: Cluster) -> None:
    anything = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    columns = [{"name": "Deep", "type": "string", "jsonPath": "..a" * 30 + ".none"}]
    await defined(cluster, anything, additionalPrinterColumns=columns)
    assert (await cluster.request("POST", PATH, boat() | {"spec": DEEP}))[0] == 201
    table = "application/json;as=Table;v=v1;g=meta.k8s.io"
    async with asyncio.timeout(10):
        assert (await cluster.request("GET", PATH, Accept=table))[0] == 200


HOSTILE = [
    piece * (100_000 // len(piece))
    for piece in ("1", "1.", "a", "<a", "<", " ", "a@", "-", "::", "aa:", "/", "1h", "1 h ", "é")
]


@pytest.mark.parametrize("format", formats.FORMATS)
async def test_no_format_takes_long(format: str) -> None:
    started = time.process_time()
    for text in HOSTILE:
        for end in ("", "!", "\n"):
            formats.matches(format, text + end)
    assert time.process_time() - started < 10  # by the square it would be hours


@pytest.mark.parametrize("pattern", ["(a+)+$", "(a|a)*$", "(a*)*b", "(.*)*x", "((a{1,10}){1,10}){1,10}"])
async def test_a_pattern_takes_time_linear_in_the_text(pattern: str) -> None:
    schema = {"type": "string", "pattern": pattern}
    try:
        values.errors("a" * 50_000 + "!", schema)
    except ValueError as error:
        assert "repetition" in str(error)  # noqa: PT017


async def test_a_path_is_read_in_time_or_refused() -> None:
    for path in (".spec[?(@" + " " * 900, "." + "a" * 5000, ".a[" * 300, "..a" * 400):
        try:
            list(paths.find(DEEP, path))
        except paths.BadPath as error:
            assert str(error)  # noqa: PT017


async def test_names_and_values_that_people_use_are_within_the_budget() -> None:
    shape = Shape("x", {"type": "object", "properties": {"spec": MAP}})
    obj = {
        "apiVersion": "a/v1",
        "kind": "A",
        "metadata": {"name": "a"},
        "spec": {f"{'k' * 63}{i}": [1] for i in range(30_000)},
    }
    assert shape.typed(obj, [])["spec"] == obj["spec"]
    assert shape.errors(obj, None) == []
