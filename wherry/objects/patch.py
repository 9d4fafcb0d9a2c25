"""The three patch types of the API: JSON patch (RFC 6902), merge patch (RFC 7386), strategic merge patch.

Each returns a new object and leaves its arguments alone. Errors are those of the API server:
k8s.io/apiserver pkg/endpoints/handlers/patch.go.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jsonpatch
import msgspec
from jsonpointer import JsonPointer, JsonPointerException

from wherry.objects import Object
from wherry.objects.budget import BYTES, OverBudget, check_depth, check_value
from wherry.objects.definitions import Type
from wherry.objects.errors import ApiError, BadRequest, Invalid, RequestEntityTooLarge
from wherry.objects.metadata import copy
from wherry.objects.strategic import REJECTED, merge

MAX_OPERATIONS = 10_000
"""The API server takes no JSON patch of more operations."""


class _Copied:
    """How much the `copy` operations of one patch have added: each can double what is there."""

    def __init__(self) -> None:
        self._bytes = 0

    def add(self, value: Any) -> None:
        """Count a value before it is copied; raises `OverBudget` (jsonpatch.AccumulatedCopySizeError upstream)."""
        self._bytes += len(msgspec.json.encode(value))
        if self._bytes > BYTES:
            raise OverBudget(
                "Unable to complete the copy, the accumulated size increase of copy is "
                f"{self._bytes}, exceeding the limit {BYTES}"
            )


class _Copy(jsonpatch.CopyOperation):
    def __init__(self, copied: _Copied, operation: Object, pointer_cls: type[JsonPointer] = JsonPointer):
        super().__init__(operation, pointer_cls)
        self._copied = copied

    def apply(self, obj: Any) -> Any:
        """Copy, unless the patch has copied enough."""
        self._copied.add(self.pointer_cls(self.operation["from"]).resolve(obj))
        return super().apply(obj)


class _Patch(jsonpatch.JsonPatch):
    def __init__(self, operations: list[Any]):
        self.operations = {**jsonpatch.JsonPatch.operations, "copy": partial(_Copy, _Copied())}  # type: ignore
        super().__init__(operations)


def is_unmet(error: ApiError) -> bool:
    """Return whether what `json_patch` raised says that a `test` failed."""
    return isinstance(error.__cause__, jsonpatch.JsonPatchTestFailed)


def json_patch(obj: Object, operations: Any) -> Object:
    """Return `obj` with a JSON patch applied.

    BadRequest where `operations` is no list of operations, Invalid where one cannot be applied or a `test` fails
    (see `is_unmet`), or where the result is more than a budget allows.
    """
    if not isinstance(operations, list):
        raise BadRequest(f"json: cannot unmarshal {_kind(operations)} into Go value of type jsonpatch.Patch")
    if len(operations) > MAX_OPERATIONS:
        text = f"The allowed maximum operations in a JSON patch is {MAX_OPERATIONS}, got {len(operations)}"
        raise RequestEntityTooLarge(text)
    try:
        for operation in operations:
            check_depth(_depth(operation))
        result = _Patch(operations).apply(obj)
        check_value(result)
    except (OverBudget, RecursionError) as error:
        raise Invalid(f"{REJECTED}: {error}") from error
    except (jsonpatch.JsonPatchException, JsonPointerException, KeyError, TypeError) as error:
        raise Invalid(REJECTED) from error
    if not isinstance(result, dict):
        raise BadRequest(f"json: cannot unmarshal {_kind(result)} into Go value of type map[string]interface {{}}")
    return result


def _depth(operation: Any) -> int:
    path = operation.get("path") if isinstance(operation, dict) else None
    return path.count("/") if isinstance(path, str) else 0


def merge_patch(obj: Object, patch: Any) -> Object:
    """Return `obj` with a merge patch applied: objects merge, null removes, all else replaces.

    BadRequest where the patch is no object.
    """
    if not isinstance(patch, dict):
        raise BadRequest("Invalid JSON Patch")
    return _merge_patch(obj, patch)


def _merge_patch(target: Any, patch: Object) -> Object:
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _merge_patch(result.get(key), value)
        else:
            result[key] = copy(value)
    return result


def strategic_merge(obj: Object, patch: Any, type_: Type | None) -> Object:
    """Return `obj` with a strategic merge patch applied, lists merging by the keys of `type_`.

    BadRequest where the patch is malformed or the kind has no schema; a bare ApiError (500), as upstream, where an item
    lacks its merge key or a directive is unknown.
    """
    if type_ is None:
        raise BadRequest("strategic merge patch format is not supported")
    if not isinstance(patch, dict):
        raise BadRequest(f"json: cannot unmarshal {_kind(patch)} into Go value of type map[string]interface {{}}")
    return merge(obj, patch, type_)


def _kind(value: Any) -> str:
    names = {dict: "object", list: "array", str: "string", bool: "bool"}
    return names.get(type(value), "number")
