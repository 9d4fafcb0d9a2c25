"""The expressions of a schema's rules: compiled against the types it says, and their costs estimated.

Source: apiextensions-apiserver pkg/apis/apiextensions/validation (validation.go, cel_validation.go),
pkg/apiserver/schema/cel/compilation.go.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from wherry.cel import cost, environment, tree
from wherry.cel.errors import Uncompilable
from wherry.cel.expression import check, listed
from wherry.cel.schemas import Types, with_metadata
from wherry.objects import fields
from wherry.objects.errors import FieldError
from wherry.objects.structural.walking import Schema, additional, items

MOST_OF_ONE, MOST_OF_ALL = 10_000_000, 100_000_000
"""What the rule may cost that is dearest, and all rules of a version together."""


@dataclass(frozen=True, slots=True)
class _Place:
    """Where a schema stands: how often its values may occur (None: no bound is given), under which list of no keys."""

    path: str
    occurs: float | None = 1
    uncorrelatable: str = ""
    is_root: bool = False


class _Sum:
    """What all rules cost so far."""

    def __init__(self) -> None:
        self.cost = 0.0


def errors(schema: Schema, path: str) -> list[FieldError]:
    """Return what is wrong with the rules of a version's schema."""
    total = _Sum()
    found = list(_within(schema, _Place(path, is_root=True), Types(), total))
    if total.cost > MOST_OF_ALL:
        what = "x-kubernetes-validations estimated rule cost total for entire OpenAPIv3 schema"
        found.append(fields.forbidden(path, _too_dear(what, total.cost, MOST_OF_ALL)))
    return found


def _within(schema: Schema, place: _Place, types: Types, total: _Sum) -> Iterator[FieldError]:
    if schema.get("x-kubernetes-validations"):
        yield from _rules(schema, place, types, total)
    inner = place
    if schema.get("x-kubernetes-map-type") == "atomic":
        inner = replace(inner, uncorrelatable=inner.uncorrelatable or place.path)
    inner = replace(inner, is_root=False)
    for name, one in (schema.get("properties") or {}).items():
        yield from _within(one, replace(inner, path=f"{place.path}.properties[{name}]"), types, total)
    if (rest := additional(schema)) is not None:
        many = _times(inner.occurs, schema.get("maxProperties"))
        where = replace(inner, path=f"{place.path}.additionalProperties", occurs=many)
        yield from _within(rest, where, types, total)
    if (one := items(schema)) is not None:
        loose = inner.uncorrelatable or ("" if schema.get("x-kubernetes-list-type") == "map" else place.path)
        many = _times(inner.occurs, schema.get("maxItems"))
        where = replace(inner, path=f"{place.path}.items", occurs=many, uncorrelatable=loose)
        yield from _within(one, where, types, total)


def _times(occurs: float | None, most: int | None) -> float | None:
    return None if occurs is None or most is None else occurs * most


def _rules(schema: Schema, place: _Place, types: Types, total: _Sum) -> Iterator[FieldError]:
    whole = with_metadata(schema) if place.is_root or schema.get("x-kubernetes-embedded-resource") else schema
    occurs = cost.LARGEST / (cost.smallest(schema) + 1) if place.occurs is None else place.occurs
    kind = types.of(whole)
    for i, rule in enumerate(schema["x-kubernetes-validations"]):
        path = f"{place.path}.x-kubernetes-validations[{i}]"
        optional = bool(rule.get("optionalOldSelf"))
        env = _environment(kind, types, optional)
        program = None
        for field, wanted in (("rule", "BOOL"), ("messageExpression", "STRING")):
            if not rule.get(field, "").strip():
                continue
            try:
                compiled = _compiled(rule[field], env, optional, field, wanted)
            except Uncompilable as error:
                yield fields.invalid(f"{path}.{field}", rule[field], str(error))
                break
            program = program or compiled
            dear = cost.estimate(tree.read(compiled), {"self": whole, "oldSelf": whole})
            dear *= occurs if field == "rule" else 1
            total.cost += dear
            if dear > MOST_OF_ONE:
                what = f"estimated {field} cost"
                yield fields.forbidden(f"{path}.{field}", _too_dear(what, dear, MOST_OF_ONE))
        if program is not None:
            yield from _old_self(rule, program, place, path)


def _environment(kind: Any, types: Types, optional: bool) -> Any:
    old = {listed("oldSelf"): environment.list_of(kind)} if optional else {"oldSelf": kind}
    return environment.checking({"self": kind, **old}, types.pool)


def _compiled(text: str, env: Any, optional: bool, field: str, wanted: str) -> Any:
    start = "" if field == "rule" else "messageExpression "
    try:
        program = check(text, env, optional=("oldSelf",) if optional else ())
    except Uncompilable as error:
        raise Uncompilable(f"{start}compilation failed: {error}") from error
    if program.return_type().name() != wanted:
        what = "cel expression must evaluate to a bool" if field == "rule" else f"{start}must evaluate to a string"
        raise Uncompilable(what)
    return program


def _old_self(rule: dict[str, Any], program: Any, place: _Place, path: str) -> Iterator[FieldError]:
    if tree.uses(program, "oldSelf"):
        if place.uncorrelatable:
            text = f"oldSelf cannot be used on the uncorrelatable portion of the schema within {place.uncorrelatable}"
            yield fields.invalid(f"{path}.rule", rule["rule"], text)
    elif "optionalOldSelf" in rule:
        text = "may not be set if oldSelf is not used in rule"
        yield fields.invalid(f"{path}.optionalOldSelf", rule["optionalOldSelf"], text)


def _too_dear(what: str, dear: float, most: int) -> str:
    factor = dear / most
    by = "more than 100x" if factor > 100 else f"{factor:.1f}x" if factor >= 1.1 else "less than 1.1x"
    lengths = "maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared"
    return f"{what} exceeds budget by factor of {by} (try simplifying the rule, or adding {lengths})"
