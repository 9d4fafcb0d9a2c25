"""Maps of base64 text: a Secret's `data`, a ConfigMap's `binaryData`. That it is base64 the schema has seen to."""

from __future__ import annotations

import base64
from collections.abc import Mapping


def size(data: Mapping[str, str]) -> int:
    """Return the bytes all values stand for."""
    return sum(len(value) * 3 // 4 - value.count("=") for value in data.values())


def encode(text: str) -> str:
    """Return `text` in UTF-8 as base64."""
    return base64.b64encode(text.encode()).decode()


def decode(value: str) -> bytes:
    """Return the bytes a value stands for."""
    return base64.b64decode(value)
