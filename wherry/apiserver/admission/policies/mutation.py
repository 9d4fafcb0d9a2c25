"""What one mutation of a MutatingAdmissionPolicy makes of an object.

Source: apiserver pkg/admission/plugin/policy/mutating/patch (smd.go, json_patch.go).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wherry.apiserver.admission.policies.evaluation import Evaluation
from wherry.objects import Object, patch
from wherry.objects.apply import element
from wherry.objects.apply.merge import merge
from wherry.objects.apply.shape import Shape, Unkeyed
from wherry.objects.apply.validate import problems
from wherry.objects.errors import ApiError


class Impossible(Exception):
    """A mutation that cannot be made; the message says why."""


def mutated(evaluation: Evaluation, mutation: Object, obj: Object, shape: Shape) -> Object:
    """Return what a mutation makes of `obj`, which looks like `shape`; raises `Impossible`, `CelError`."""
    if mutation.get("patchType") == "JSONPatch":
        return _patched(obj, _json(evaluation, mutation, "jsonPatch"))
    return _applied(obj, _json(evaluation, mutation, "applyConfiguration"), shape)


def _json(evaluation: Evaluation, mutation: Object, part: str) -> Any:
    from wherry.cel.asjson import as_json

    return as_json(evaluation.value((mutation.get(part) or {}).get("expression", "")))


def _applied(obj: Object, config: Any, shape: Shape) -> Object:
    """Return `obj` with what an apply configuration says; nothing is removed, and nobody owns what is set."""
    if not isinstance(config, dict):
        raise Impossible("the expression of an applyConfiguration must evaluate to an Object")
    config = {**config, "apiVersion": obj["apiVersion"], "kind": obj["kind"]}
    if wrong := problems(shape, config):
        raise Impossible(f"error applying patch: failed to convert patch object to typed object: {wrong}")
    if found := ", ".join(_atomics(shape, config, "")):
        why = f"may not mutate atomic arrays, maps or structs: {found}"
        raise Impossible(f"error applying patch: invalid ApplyConfiguration: {why}")
    try:
        result: Object = merge(shape, obj, config)
    except Unkeyed as error:
        raise Impossible(f"error applying patch: failed to merge patch: {error}") from error
    return result


def _atomics(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Yield the paths of what is replaced as a whole: whoever sets some of it would remove the rest unawares."""
    if isinstance(value, dict) and shape.members is not None:
        if shape.members.atomic:
            yield path
        for name, one in value.items():
            if name in shape.members.fields:
                yield from _atomics(shape.members.get(name).shape, one, path + element.shown(element.field(name)))
    elif isinstance(value, list) and shape.items is not None:
        if shape.items.atomic:
            yield path
        for number, one in enumerate(value):
            yield from _atomics(shape.items.of, one, f"{path}[{number}]")


def _patched(obj: Object, operations: Any) -> Object:
    try:
        return patch.json_patch(obj, operations)
    except ApiError as error:
        if patch.is_unmet(error):
            return obj
        raise Impossible(f"JSON Patch: {error.message}") from error
