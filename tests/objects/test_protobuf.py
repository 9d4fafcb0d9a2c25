from __future__ import annotations

import contextlib
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.objects import golden
from wherry.objects import definitions, protobuf, schema, wire
from wherry.objects.errors import BadRequest, NotAcceptable

MESSAGES = sorted((golden.FOLDER / "protobuf").glob("*.pb"))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.stem)
def test_a_message_made_by_go_reads_as_gos_own_json(message: Path) -> None:
    typed = json.loads(message.with_suffix(".typed.json").read_text())
    assert golden.at_rest(protobuf.decode(message.read_bytes())) == golden.at_rest(golden.without_nulls(typed))


@pytest.mark.parametrize("message", MESSAGES, ids=lambda path: path.stem)
def test_the_same_manifest_gives_the_same_object_in_json_and_protobuf(message: Path) -> None:
    manifest = json.loads(message.with_suffix(".json").read_text())
    typed, warnings = schema.typed(manifest, definitions.gvk_of(manifest))
    assert not warnings
    assert golden.at_rest(protobuf.decode(message.read_bytes())) == golden.at_rest(typed)


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


@given(st.data())
def test_a_damaged_message_never_fails_otherwise_than_as_a_bad_request(data: st.DataObject) -> None:
    body = bytearray(data.draw(st.sampled_from(MESSAGES)).read_bytes())
    for at in data.draw(st.lists(st.integers(len(protobuf.MAGIC), len(body) - 1), min_size=1, max_size=3)):
        body[at] = data.draw(st.integers(0, 255))
    with contextlib.suppress(BadRequest):
        protobuf.decode(bytes(body))


@pytest.mark.parametrize("seconds", [1 << 60, -(1 << 60), 253402300800])
def test_a_time_that_no_calendar_has_is_a_bad_request(seconds: int) -> None:
    """Field 8 of ObjectMeta, which is field 1 of a Namespace, which is field 2 of the envelope."""
    raw = wire.write_bytes(1, wire.write_bytes(8, wire.write_varint(1, seconds)))
    with pytest.raises(BadRequest, match="year outside of range"):
        protobuf.decode(protobuf.MAGIC + wire.write_bytes(2, raw), ("", "v1", "Namespace"))


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
