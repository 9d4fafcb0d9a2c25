"""Maps of base64 text: a Secret's `data`, a ConfigMap's `binaryData`."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping

from wherry.objects.errors import BadRequest


def check(kind: str, data: Mapping[str, str] | None) -> None:
    """Raise `BadRequest` when a value is not base64: Kubernetes cannot even decode such an object."""
    for value in (data or {}).values():
        try:
            base64.b64decode(value, validate=True)
        except binascii.Error as error:
            text = f'{kind} in version "v1" cannot be handled as a {kind}: illegal base64 data at input byte'
            raise BadRequest(f"{text} {_bad_byte(value)}") from error


def _bad_byte(value: str) -> int:
    """Return where decoding stops: at the first byte outside the alphabet, or in the last incomplete group."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    body = value.rstrip("=")
    return next((i for i, char in enumerate(body) if char not in alphabet), len(value) - len(value) % 4)


def size(data: Mapping[str, str]) -> int:
    """Return the bytes all values stand for."""
    return sum(len(value) * 3 // 4 - value.count("=") for value in data.values())


def encode(text: str) -> str:
    """Return `text` in UTF-8 as base64."""
    return base64.b64encode(text.encode()).decode()


def decode(value: str) -> bytes:
    """Return the bytes a value stands for."""
    return base64.b64decode(value)
