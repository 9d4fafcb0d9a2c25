"""Tables: the columns a kind declares, and a row for an object.

Source: meta.k8s.io Table, kubernetes pkg/printers/tablegenerator.go.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import ages
from wherry.objects import Object

_NAME = Column("Name", lambda obj: obj["metadata"]["name"], format="name", description="The object's name.")
_AGE = Column("Age", ages.of, description="How long ago the object was created.")


def columns(kind: Kind) -> list[Column]:
    """Return all columns of a kind's table: Name first, Age after the last column that is always shown."""
    found = [_NAME] if kind.name_column else []
    found += kind.columns
    if kind.age:
        shown = [i for i, column in enumerate(found) if column.priority == 0]
        found.insert(shown[-1] + 1 if shown else 0, _AGE)
    return found


def definitions(kind: Kind) -> list[Object]:
    """Return the table's column definitions."""
    return [
        {"name": c.name, "type": c.type, "format": c.format, "description": c.description, "priority": c.priority}
        for c in columns(kind)
    ]


def cells(kind: Kind, obj: Object) -> list[Any]:
    """Return the row of an object in its storage version."""
    return [column.cell(obj) for column in columns(kind)]


def table(kind: Kind, rows: Iterable[tuple[Object, Object | None]], metadata: Object, version: str) -> Object:
    """Return a Table; `rows` are (object in its storage version, what the row carries along)."""
    return {
        "kind": "Table",
        "apiVersion": f"meta.k8s.io/{version}",
        "metadata": metadata,
        "columnDefinitions": definitions(kind),
        "rows": [
            {"cells": cells(kind, obj), **({"object": carried} if carried is not None else {})} for obj, carried in rows
        ],
    }
