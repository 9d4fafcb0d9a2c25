"""Do objects keep the rules of their schema (`x-kubernetes-validations`)?

Source: apiextensions-apiserver pkg/apiserver/schema/cel/validation.go.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from wherry.apiserver.kinds.apiextensions import fieldpath
from wherry.cel.errors import CelError, TooCostly, Uncompilable
from wherry.cel.expression import Expression, listed
from wherry.cel.schemas import with_metadata
from wherry.cel.values import value
from wherry.objects import fields
from wherry.objects.errors import FieldError
from wherry.objects.structural.values import ABSENT, NOWHERE, by_key
from wherry.objects.structural.walking import Schema, additional, items

_LONGEST_MESSAGE = 5 * 1024


class _Rule:
    """One rule, compiled when it is first asked."""

    def __init__(self, declared: dict[str, Any], schema: Schema):
        self.declared = declared
        self.text = declared["rule"].strip()
        self.optional = bool(declared.get("optionalOldSelf"))
        self.field = fieldpath.normal(declared.get("fieldPath", ""), schema) or ""
        self._rule = self._expression("rule")
        self._message = self._expression("messageExpression") if declared.get("messageExpression") else None
        self.uses_old = self._rule.uses("oldSelf")

    def _expression(self, field: str) -> Expression:
        return Expression(self.declared[field], ("self", "oldSelf"), ("oldSelf",) if self.optional else ())

    def given(self, now: Any, old: Any) -> dict[str, Any]:
        """Return the variables; `old` may be `ABSENT`."""
        if self.optional:
            return {"self": now, listed("oldSelf"): [] if old is ABSENT else [old]}
        return {"self": now} if old is ABSENT else {"self": now, "oldSelf": old}

    def is_kept(self, variables: dict[str, Any]) -> bool:
        """Return whether the rule is kept; raises `CelError`."""
        return self._rule.evaluate(variables) is True

    def message(self, variables: dict[str, Any]) -> str:
        """Return what is said of what breaks the rule."""
        if self._message is not None and (said := self._said(self._message, variables)):
            return said
        return self.declared.get("message", "").strip() or f"failed rule: {self.text}"

    @staticmethod
    def _said(expression: Expression, variables: dict[str, Any]) -> str:
        try:
            said = expression.evaluate(variables)
        except CelError:
            return ""
        text = said.strip() if isinstance(said, str) else ""
        return "" if "\n" in text or len(text.encode()) > _LONGEST_MESSAGE else text


class Rules:
    """The rules of a schema and of all within; `of` makes them, where there are any."""

    def __init__(self, schema: Schema, *, is_root: bool):
        whole = is_root or schema.get("x-kubernetes-embedded-resource")
        self._schema = with_metadata(schema) if whole else schema
        self._declared: Sequence[dict[str, Any]] = schema.get("x-kubernetes-validations") or ()
        self._compiled: list[_Rule | Uncompilable] | None = None
        self._properties = {n: inner for n, one in (schema.get("properties") or {}).items() if (inner := Rules.of(one))}
        self._rest = Rules.of(additional(schema))
        self._items = Rules.of(items(schema))

    @staticmethod
    def of(schema: Schema | None, *, is_root: bool = False) -> Rules | None:
        """Return the rules in a schema, None where there are none."""
        if schema is None:
            return None
        rules = Rules(schema, is_root=is_root)
        return rules if rules._declared or rules._properties or rules._rest or rules._items else None

    def errors(self, now: Any, old: Any = ABSENT, path: str = "", *, same: bool = False) -> Iterator[FieldError]:
        """Yield which rules `now` breaks, which replaces `old`.

        What broke a rule before and has not changed may stay (`same`: something around it has not changed).
        """
        if now is None:
            return
        same = same or (old is not ABSENT and old == now)
        if self._declared:
            yield from self._own(now, ABSENT if old is None else old, path, same)
        if isinstance(now, dict):
            before = old if isinstance(old, dict) else {}
            for name, one in now.items():
                inner = self._properties.get(name) or self._rest
                if inner is not None:
                    place = f"{path}.{name}" if name in self._properties else f"{path}[{name}]"
                    yield from inner.errors(one, before.get(name, ABSENT), place.removeprefix("."), same=same)
        elif isinstance(now, list) and self._items is not None:
            find = by_key(old, self._schema)
            for i, one in enumerate(now):
                yield from self._items.errors(one, find(one), f"{path}[{i}]", same=same)

    def _rules(self) -> list[_Rule | Uncompilable]:
        if self._compiled is None:
            self._compiled = [self._compile(one) for one in self._declared]
        return self._compiled

    def _compile(self, declared: dict[str, Any]) -> _Rule | Uncompilable:
        try:
            return _Rule(declared, self._schema)
        except Uncompilable as error:
            return error

    def _own(self, now: Any, old: Any, path: str, same: bool) -> Iterator[FieldError]:
        known = value(now, self._schema)
        before = ABSENT if old is ABSENT else value(old, self._schema)
        for rule in self._rules():
            if isinstance(rule, Uncompilable):
                yield _invalid(path, f"rule compile error: {rule}")
                continue
            if rule.uses_old and before is ABSENT and not rule.optional:
                continue
            variables = rule.given(known, before)
            try:
                kept = rule.is_kept(variables)
            except CelError as error:
                yield _invalid(path, _failure(error, rule.text))
                continue
            if not kept and (rule.uses_old or not same):
                yield _broken(rule, path, now, rule.message(variables))


def _failure(error: CelError, text: str) -> str:
    if isinstance(error, TooCostly):
        why = "no further validation rules will be run due to call cost exceeds limit for rule"
        return f"'{error}': {why}: {text}"
    if str(error) == "no such overload":
        why = "call arguments did not match a supported operator, function or macro signature for rule"
        return f"'{error}': {why}: {text}"
    return f"{error} evaluating rule: {text}"


def _invalid(path: str, detail: str) -> FieldError:
    return FieldError("FieldValueInvalid", path or NOWHERE, f"Invalid value: {detail}")


def _broken(rule: _Rule, path: str, now: Any, message: str) -> FieldError:
    place = f"{path}{rule.field}".removeprefix(".") or NOWHERE
    match rule.declared.get("reason"):
        case "FieldValueForbidden":
            return fields.forbidden(place, message)
        case "FieldValueRequired":
            return fields.required(place, message)
        case "FieldValueDuplicate":
            return fields.duplicate(place, now)
    return _invalid(place, message) if isinstance(now, (dict, list)) else fields.invalid(place, now, message)
