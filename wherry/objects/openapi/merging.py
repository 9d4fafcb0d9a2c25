"""Two OpenAPI v2 documents in one. A definition that each has, and has differently, gets a second name.

Source: kube-openapi pkg/aggregator (MergeSpecsIgnorePathConflictRenamingDefinitionsAndParameters).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from wherry.objects import Object

_PREFIX = "#/definitions/"
_SECOND = "_v2"


def merged(swagger: Object, paths: Mapping[str, Any], definitions: Mapping[str, Any]) -> Object:
    """Return `swagger` with another document's `paths`, where it has none, and those definitions they refer to."""
    own = swagger["definitions"]
    new = {path: item for path, item in paths.items() if path not in swagger["paths"]}
    needed = _needed(new, definitions)
    names = {name: _free(name, own) for name in needed if name in own and own[name] != needed[name]}
    added = {names.get(name, name): _renamed(definition, names) for name, definition in needed.items()}
    return {
        **swagger,
        "paths": dict(sorted({**swagger["paths"], **_renamed(new, names)}.items())),
        "definitions": dict(sorted({**added, **own}.items())),
    }


def _needed(paths: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    waiting = list(_references(paths))
    while waiting:
        name = waiting.pop()
        if name not in found and name in definitions:
            found[name] = definitions[name]
            waiting += _references(definitions[name])
    return found


def _free(name: str, own: Mapping[str, Any]) -> str:
    """Return a name like `name` that nothing has yet."""
    candidate, number = f"{name}{_SECOND}", 2
    while candidate in own:
        number += 1
        candidate = f"{name}_v{number}"
    return candidate


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PREFIX):
            yield reference.removeprefix(_PREFIX)
        for part in value.values():
            yield from _references(part)
    elif isinstance(value, list):
        for part in value:
            yield from _references(part)


def _renamed(value: Any, names: Mapping[str, str]) -> Any:
    """Return a document with the references to what has another name now."""
    if isinstance(value, dict):
        renamed = {key: _renamed(part, names) for key, part in value.items()}
        reference = value.get("$ref")
        if isinstance(reference, str) and reference.startswith(_PREFIX):
            name = reference.removeprefix(_PREFIX)
            renamed["$ref"] = _PREFIX + names.get(name, name)
        return renamed
    if isinstance(value, list):
        return [_renamed(part, names) for part in value]
    return value
