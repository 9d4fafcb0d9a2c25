"""What `kubectl explain` says about types and fields: sentences of our own, in `descriptions.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from wherry.objects.definitions import Type, by_name


class Description(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is said about one type: `about` itself, and of its `fields` by JSON name; both may be missing."""

    about: str = ""
    fields: dict[str, str] = {}


@cache
def load() -> Mapping[str, Description]:
    """Return the file by the types' short Go names, read from the package on the first call (some 15 ms)."""
    text = Path(__file__).with_name("descriptions.yaml").read_bytes()
    return msgspec.yaml.decode(text, type=dict[str, Description])


def of(type_: Type) -> Description:
    """Return what is said about a type and all its fields, those of inlined types included."""
    own = load().get(type_.short, Description())
    fields: dict[str, str] = {}
    for field in type_.fields:
        if field.inline:
            fields |= of(by_name(field.type[1:])).fields
    return Description(own.about, fields | own.fields)
