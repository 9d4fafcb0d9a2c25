"""YAML as the JSON it stands for, within a budget.

A few bytes of YAML can stand for any number of values: by aliases, and by merges (`<<`). So events are counted before
anything is made of them, and what aliases and merges repeat is counted each time. Source of what a scalar is, of texts
and order: sigs.k8s.io/yaml (YAMLToJSONStrict) and go-yaml, which reads no number in base 60.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import yaml

from wherry.objects import fields
from wherry.objects.budget import Budget, OverBudget, check_depth

_STARTS = (yaml.MappingStartEvent, yaml.SequenceStartEvent)
_ENDS = (yaml.MappingEndEvent, yaml.SequenceEndEvent)
_LONGEST_NUMBER = 1000
"""Characters. Longer ones take Python long, and are no number of anybody's."""


class Document(NamedTuple):
    """A decoded document, and the complaints about what its decoded form does not show."""

    value: Any
    noted: Sequence[str] = ()


class _Loader(yaml.CSafeLoader):
    """A date is a string, and so is a number in base 60. `repeated` are (line, key) of keys given before."""

    def __init__(self, data: bytes):
        super().__init__(data)
        self.repeated: list[tuple[int, str]] = []
        self._merged = Budget()

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Note the keys that repeat an earlier one."""
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    self.repeated.append((value.start_mark.line + 1, key.value))
                seen.add(key.value)
        return super().construct_mapping(node, deep)

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """Put merged pairs in place; raises `OverBudget` for too many of them."""
        super().flatten_mapping(node)
        self._merged.spend(len(node.value))

    def construct_number(self, node: yaml.ScalarNode) -> int | float | str:
        """Return a number; a string for what only YAML 1.1 takes for one."""
        if ":" in node.value:
            return str(node.value)
        if len(node.value) > _LONGEST_NUMBER:
            raise OverBudget(f"line {node.start_mark.line + 1}: a number of {len(node.value)} characters")
        whole = node.tag.endswith(":int")
        number: int | float = self.construct_yaml_int(node) if whole else self.construct_yaml_float(node)
        return number


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}
for _tag in ("int", "float"):
    _Loader.add_constructor(f"tag:yaml.org,2002:{_tag}", _Loader.construct_number)


def read(data: bytes) -> Document:
    """Return the JSON a document stands for, its keys sorted, and the complaint about repeated ones.

    Raises `yaml.YAMLError`, ValueError for what JSON does not have, and its kind `OverBudget`.
    """
    _check_events(data)
    loader = _Loader(data)
    try:
        value = _json_of(loader.get_single_data(), Budget())
    finally:
        loader.dispose()
    lines = [f"  line {line}: key {fields.quote(key)} already set in map" for line, key in sorted(loader.repeated)]
    return Document(value, ["\n".join(["yaml: unmarshal errors:", *lines])] if lines else ())


def _check_events(data: bytes) -> None:
    """Raise `OverBudget` for a document that is too deep or has too many values as it is written."""
    budget = Budget()
    depth = 0
    for event in yaml.parse(data, Loader=yaml.CSafeLoader):
        budget.spend()
        if isinstance(event, _STARTS):
            depth += 1
            check_depth(depth)
        elif isinstance(event, _ENDS):
            depth -= 1


def _json_of(value: Any, budget: Budget, depth: int = 0) -> Any:
    """Return what a YAML value is in JSON, where keys are strings; ValueError for what JSON does not have."""
    check_depth(depth)  # an alias may stand within what it stands for
    budget.spend(1, len(value) if isinstance(value, str) else 0)
    if isinstance(value, dict):
        pairs = sorted((_key_of(k), item) for k, item in value.items())
        return {key: _json_of(item, budget, depth + 1) for key, item in pairs}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"json: unsupported value: {value}")
    if isinstance(value, list):
        return [_json_of(item, budget, depth + 1) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"a value of type {type(value).__name__} has no place in JSON")


def _key_of(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str | int | float):
        return str(key)
    raise ValueError(f"unsupported map key {key!r}")
