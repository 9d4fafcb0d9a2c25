"""Another server's OpenAPI v2 document becomes part of ours."""

from __future__ import annotations

from wherry.objects import Object
from wherry.objects.openapi.merging import merged

REF = "#/definitions/"


def document(paths: Object, **definitions: Object) -> Object:
    return {"swagger": "2.0", "paths": paths, "definitions": definitions}


def test_only_definitions_that_are_referred_to_come_along() -> None:
    theirs = {"A": {"properties": {"b": {"$ref": f"{REF}B"}}}, "B": {"type": "string"}, "Other": {}}
    found = merged(document({}), {"/x": {"get": {"schema": {"$ref": f"{REF}A"}}}}, theirs)
    assert found["definitions"] == {"A": theirs["A"], "B": theirs["B"]}
    assert list(found["paths"]) == ["/x"]


def test_a_definition_that_both_have_differently_gets_a_second_name() -> None:
    ours = document({"/a": {}}, Meta={"type": "object"}, Meta_v2={"type": "integer"})
    theirs = {"A": {"items": [{"$ref": f"{REF}Meta"}]}, "Meta": {"type": "string"}}
    found = merged(ours, {"/a": {"get": 1}, "/x": {"$ref": f"{REF}A"}}, theirs)
    assert found["paths"] == {"/a": {}, "/x": {"$ref": f"{REF}A"}}
    assert found["definitions"]["Meta"] == {"type": "object"}
    assert found["definitions"]["Meta_v3"] == {"type": "string"}
    assert found["definitions"]["A"] == {"items": [{"$ref": f"{REF}Meta_v3"}]}


def test_what_both_have_alike_is_there_once() -> None:
    found = merged(document({}, M={"type": "object"}), {"/x": {"$ref": f"{REF}M"}}, {"M": {"type": "object"}})
    assert found["definitions"] == {"M": {"type": "object"}}
