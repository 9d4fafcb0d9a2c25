from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.objects import golden
from wherry.objects import definitions, protobuf, schema
from wherry.objects.errors import BadRequest, NotAcceptable

MESSAGES = sorted((golden.FOLDER / "protobuf").glob("*.pb"))


def typed_by_go(message: Path) -> Any:
    return golden.without_nulls(json.loads(message.with_suffix(".typed.json").read_text()))


def at_rest(obj: Any) -> Any:
    """Return an object without the zero values Go's protobuf always sends for what JSON input may lack."""
    if isinstance(obj, dict):
        return {k: at_rest(v) for k, v in obj.items() if (k, v) not in (("divisor", "0"), ("targetPort", 0))}
    return [at_rest(v) for v in obj] if isinstance(obj, list) else obj


@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.stem)
def test_a_message_made_by_go_reads_as_gos_own_json(message: Path) -> None:
    assert at_rest(protobuf.decode(message.read_bytes())) == at_rest(typed_by_go(message))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.stem)
def test_the_same_manifest_gives_the_same_object_in_json_and_protobuf(message: Path) -> None:
    manifest = json.loads(message.with_suffix(".json").read_text())
    typed, warnings = schema.typed(manifest, schema.gvk_of(manifest))
    assert not warnings
    assert at_rest(protobuf.decode(message.read_bytes())) == at_rest(typed)


@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.stem)
def test_what_is_written_reads_back(message: Path) -> None:
    obj = protobuf.decode(message.read_bytes())
    assert protobuf.decode(protobuf.encode(obj)) == obj


def test_a_body_without_the_magic_is_refused() -> None:
    with pytest.raises(BadRequest, match="does not appear to be a protobuf message"):
        protobuf.decode(b"{}")


@pytest.mark.parametrize("size", [10, 50, 200, 1000])
def test_a_cut_message_is_refused(size: int) -> None:
    body = (golden.FOLDER / "protobuf/pod.pb").read_bytes()
    with pytest.raises(BadRequest, match="unexpected EOF"):
        protobuf.decode(body[:size])


@pytest.mark.parametrize("at", range(20, 120, 7))
def test_a_damaged_message_never_fails_otherwise_than_as_a_bad_request(at: int) -> None:
    body = bytearray((golden.FOLDER / "protobuf/service.pb").read_bytes())
    for value in (0x00, 0x0A, 0x7F, 0xFF):
        body[at] = value
        try:
            protobuf.decode(bytes(body))
        except BadRequest:
            continue


def test_an_unknown_kind_has_no_protobuf_form() -> None:
    with pytest.raises(NotAcceptable, match="Widget"):
        protobuf.encode({"apiVersion": "example.com/v1", "kind": "Widget"})


def test_a_message_that_names_no_kind_takes_the_default() -> None:
    body = (golden.FOLDER / "protobuf/delete-options.pb").read_bytes()
    anonymous = protobuf.MAGIC + body[body.index(b"\x12") :]
    assert protobuf.decode(anonymous, ("", "v1", "DeleteOptions"))["propagationPolicy"] == "Background"
    with pytest.raises(BadRequest, match="no kind"):
        protobuf.decode(anonymous)


def test_no_field_number_is_used_twice() -> None:
    for type_ in definitions.load().types.values():
        numbers = [field.number for field in type_.fields if field.number]
        assert len(numbers) == len(set(numbers)), type_
