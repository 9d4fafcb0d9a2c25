"""What the real Go types make of the cases here (see scripts/schema/golden)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent


def table(name: str) -> list[tuple[list[Any], dict[str, Any]]]:
    """Return the (inputs, upstream's answer) rows of one table."""
    return [(row["in"], row["out"]) for row in json.loads((FOLDER / name).read_text())]


def without_nulls(value: Any) -> Any:
    """Return a JSON value without its null fields: Go writes some, our typed form none."""
    if isinstance(value, dict):
        return {k: without_nulls(v) for k, v in value.items() if v is not None}
    if isinstance(value, list):
        return [without_nulls(v) for v in value]
    return value


def at_rest(value: Any) -> Any:
    """Return a JSON value without the zeros Go writes for what was not given (`targetPort: 0`, `divisor: "0"`)."""
    if isinstance(value, dict):
        return {k: at_rest(v) for k, v in value.items() if (k, v) not in (("targetPort", 0), ("divisor", "0"))}
    return [at_rest(v) for v in value] if isinstance(value, list) else value
