"""`Shape`: what the objects of one version of a custom resource look like."""

from __future__ import annotations

from typing import Any

from wherry.objects import Object, repeats
from wherry.objects.budget import Budget, OverBudget, check_paths
from wherry.objects.conversion import struct
from wherry.objects.definitions import by_name
from wherry.objects.errors import FieldError
from wherry.objects.memo import Memo
from wherry.objects.scalars import Unreadable
from wherry.objects.structural import defaulting, embedded, listtypes, values
from wherry.objects.structural.pruning import META, pruned
from wherry.objects.structural.walking import Schema


class Shape(Memo):
    """The schema of one version; `name` is its name in OpenAPI (`com.example.v1.Widget`)."""

    def __init__(self, name: str, schema: Schema):
        super().__init__()
        self.name = name
        self.schema = schema

    def typed(self, obj: Object, complaints: list[str]) -> Object:
        """Return a copy of `obj` as it is carried: pruned, with defaults, metadata in canonical form.

        What was unknown or given twice is added to `complaints`. Raises `Unreadable` for metadata that is none.
        """
        try:
            check_paths(obj)
        except OverBudget as error:
            raise Unreadable(str(error)) from error
        complaints += [f'duplicate field "{path}"' for path in repeats.paths(obj)]
        dropped: list[str] = []
        result: Object = pruned(obj, self.schema, dropped, is_object=True)
        unknown: list[str] = []
        if (metadata := obj.get("metadata")) is not None:
            result["metadata"] = struct(by_name(embedded.METADATA))(metadata, unknown, "metadata")
        embedded.coerce(_content(result), self.schema, unknown)
        complaints += [one for one in unknown if one.startswith("unknown")]
        complaints += [f'unknown field "{path}"' for path in sorted(dropped)]
        complaints += self._fill(result)
        return result

    def _fill(self, obj: Object) -> list[str]:
        """Fill in the defaults, in place; metadata has none. Return why some are left out, if they are."""
        metadata = obj.pop("metadata", None)
        try:
            defaulting.fill(obj, self.schema, Budget())
        except OverBudget as error:
            return [f"defaults are left out: {error}"]
        finally:
            if metadata is not None:
                obj["metadata"] = metadata
        return []

    def errors(self, obj: Object, old: Object | None, part: str = "") -> list[FieldError]:
        """Return what is wrong with `obj`, which replaces `old`; `part` "status": only that was written."""
        if part == "status":
            return self._status_errors(obj, old or {})
        before = values.ABSENT if old is None else old
        found = _checked(obj, self.schema, before)
        found += embedded.errors(_content(obj), self.schema)
        return found + self._list_errors(obj, old)

    def _status_errors(self, obj: Object, old: Object) -> list[FieldError]:
        schema = (self.schema.get("properties") or {}).get("status")
        found = []
        if schema is not None and "status" in obj:
            found = _checked(obj["status"], schema, old.get("status", values.ABSENT), "status")
        return found + self._list_errors(obj, old)

    def _list_errors(self, obj: Object, old: Object | None) -> list[FieldError]:
        found = list(listtypes.errors(obj, self.schema))
        if found and old is not None and any(listtypes.errors(old, self.schema)):
            return []
        return found


def _checked(value: Any, schema: Schema, old: Any, prefix: str = "") -> list[FieldError]:
    try:
        return values.errors(value, schema, old, prefix)
    except OverBudget as error:
        return [FieldError("FieldValueInvalid", prefix or values.NOWHERE, str(error))]


def _content(obj: Object) -> Object:
    """Return the object without what every object has."""
    return {key: value for key, value in obj.items() if key not in META}
