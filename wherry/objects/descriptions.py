"""What `kubectl explain` says about types and fields: sentences of our own, in `descriptions.yaml`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from wherry.objects.definitions import Description, Type


@cache
def load() -> Mapping[str, Description]:
    """Return the file by the types' short Go names, read from the package on the first call (some 15 ms)."""
    text = Path(__file__).with_name("descriptions.yaml").read_bytes()
    return msgspec.yaml.decode(text, type=dict[str, Description])


def of(type_: Type) -> Description:
    """Return what is said about a type and all its fields, those of inlined types included."""
    own = type_.said or load().get(type_.short, Description())
    fields: dict[str, str] = {}
    for field in type_.fields:
        if field.inline:
            fields |= of(type_.types[field.type[1:]]).fields
    return Description(own.about, fields | own.fields)
