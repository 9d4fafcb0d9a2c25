"""Filling in what nobody gave."""

from __future__ import annotations

from typing import Any

from wherry.objects import Object


def fill(into: Object, **values: Any) -> None:
    """Give fields that are absent, or null, their default; what is given stays, even where it is empty."""
    for key, value in values.items():
        if into.get(key) is None:
            into[key] = value
