"""Label and field selectors: parsed once, matched often.

Source of syntax and error texts: k8s.io/apimachinery v0.37 pkg/labels/selector.go, pkg/fields/selector.go,
pkg/apis/meta/v1/helpers.go. A malformed selector raises `BadRequest`, as the API server answers.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from wherry.objects import Object, fields, names
from wherry.objects.errors import BadRequest, FieldError

MOST_TERMS = 256
"""Terms of one selector: each is looked at for each object. People write up to ten."""

_BINARY = ("in", "notin", "=", "==", "!=", "gt", "lt")
_SYMBOLS = {"=": "=", "==": "==", "!=": "!=", ">": "gt", "<": "lt", "in": "in", "notin": "notin"}
_token = re.compile(r"[ \t\r\n]*(?:(?P<symbol>==|!=|[=!(),<>])|(?P<word>[^ \t\r\n=!(),<>]+))")
_END = ("end", "")


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term: `operator` is in, notin, =, ==, !=, gt, lt, exists or !."""

    key: str
    operator: str
    values: frozenset[str] = frozenset()

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Return whether the labels fulfil this term; a missing key fulfils notin, != and !."""
        value = labels.get(self.key)
        match self.operator:
            case "in" | "=" | "==":
                return value in self.values
            case "notin" | "!=":
                return value not in self.values
            case "exists":
                return value is not None
            case "!":
                return value is None
        (limit,) = self.values
        try:
            return value is not None and (int(value) > int(limit) if self.operator == "gt" else int(value) < int(limit))
        except ValueError:
            return False

    def __str__(self) -> str:
        shown = ",".join(sorted(self.values))
        match self.operator:
            case "exists":
                return self.key
            case "!":
                return f"!{self.key}"
            case "in" | "notin":
                return f"{self.key} {self.operator} ({shown})"
            case "gt" | "lt":
                return f"{self.key}{'>' if self.operator == 'gt' else '<'}{shown}"
        return f"{self.key}{self.operator}{shown}"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """All of `requirements`; with none it matches everything, with `nothing` set it matches nothing."""

    requirements: tuple[Requirement, ...] = ()
    nothing: bool = False

    def matches(self, labels: Mapping[str, str] | None) -> bool:
        """Return whether an object with these labels is selected."""
        if self.nothing:
            return False
        if not self.requirements:
            return True
        labels = labels or {}
        return all(r.matches(labels) for r in self.requirements)

    @property
    def everything(self) -> bool:
        """Whether it selects every object."""
        return not self.nothing and not self.requirements

    def __str__(self) -> str:
        return ",".join(map(str, self.requirements))


EVERYTHING = LabelSelector()
NOTHING = LabelSelector(nothing=True)


def parse_labels(text: str) -> LabelSelector:
    """Return the selector of a `labelSelector` query (`a=b,c!=d,e in (f,g),!h`); BadRequest where it is malformed."""
    return _Parser(text).parse() if text else EVERYTHING


def from_labels(labels: Mapping[str, str] | None) -> LabelSelector:
    """Return the selector for exactly these labels (a Service's selector); None or empty selects everything."""
    return LabelSelector(tuple(Requirement(k, "=", frozenset((v,))) for k, v in sorted((labels or {}).items())))


_EXPRESSIONS = {"In": "in", "NotIn": "notin", "Exists": "exists", "DoesNotExist": "!"}


def from_object(selector: Object | None) -> LabelSelector:
    """Return the selector of a `metav1.LabelSelector`: None selects nothing, `{}` all; BadRequest where malformed."""
    if selector is None:
        return NOTHING
    terms = [_requirement(k, "=", (v,)) for k, v in (selector.get("matchLabels") or {}).items()]
    for expression in selector.get("matchExpressions") or ():
        operator = expression.get("operator", "")
        if operator not in _EXPRESSIONS:
            raise BadRequest(f"{fields.quote(operator)} is not a valid label selector operator")
        terms.append(_requirement(expression.get("key", ""), _EXPRESSIONS[operator], expression.get("values") or ()))
    return LabelSelector(tuple(sorted(terms, key=lambda r: r.key)))


def stored(selector: Object | None) -> LabelSelector:
    """Return the selector in an object that somebody else has checked; one that is malformed selects nothing."""
    try:
        return from_object(selector)
    except BadRequest:
        return NOTHING


def _requirement(key: str, operator: str, values: Iterable[str], prefix: str = "") -> Requirement:
    given = tuple(values)
    errors = _problems(key, operator, given)
    if errors:
        lines = list(dict.fromkeys(map(str, errors)))
        raise BadRequest(prefix + (lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"))
    return Requirement(key, operator, frozenset(given))


def _problems(key: str, operator: str, values: tuple[str, ...]) -> list[FieldError]:
    errors = [fields.invalid("key", key, "; ".join(m))] if (m := names.label_key(key)) else []
    if operator in ("in", "notin") and not values:
        errors.append(fields.invalid("values", [], "for 'in', 'notin' operators, values set can't be empty"))
    if operator in ("exists", "!") and values:
        text = "values set must be empty for exists and does not exist"
        errors.append(fields.invalid("values", list(values), text))
    for i, value in enumerate(sorted(values)):
        if operator in ("gt", "lt") and not re.fullmatch("[+-]?[0-9]+", value):
            text = "for 'Gt', 'Lt' operators, the value must be an integer"
            errors.append(fields.invalid(f"values[{i}]", value, text))
        if m := names.label_value(value):
            errors.append(fields.invalid(f"values[{i}][{key}]", value, "; ".join(m)))
    return errors


def _check_count(terms: Sequence[object]) -> None:
    if len(terms) > MOST_TERMS:
        raise BadRequest(f"a selector has at most {MOST_TERMS} requirements, this one has {len(terms)}")


class _Parser:
    """Recursive descent over the selector's tokens: (kind, text) with kind `word`, `symbol` or `end`."""

    def __init__(self, text: str) -> None:
        self.tokens = [("symbol" if m["symbol"] else "word", m[0].strip(" \t\r\n")) for m in _token.finditer(text)]
        self.position = 0

    def peek(self) -> tuple[str, str]:
        return self.tokens[self.position] if self.position < len(self.tokens) else _END

    def take(self) -> tuple[str, str]:
        token = self.peek()
        self.position += 1
        return token

    def parse(self) -> LabelSelector:
        requirements = []
        while self.peek() != _END:
            kind, text = self.peek()
            if kind != "word" and text != "!":
                raise BadRequest(f"found '{text}', expected: !, identifier, or 'end of string'")
            requirements.append(self.requirement())
            kind, text = self.take()
            if kind == "end":
                break
            if text != ",":
                raise BadRequest(f"found '{text}', expected: ',' or 'end of string'")
            kind, text = self.peek()
            if kind != "word" and text != "!":
                raise BadRequest(f"found '{text}', expected: identifier after ','")
        _check_count(requirements)
        return LabelSelector(tuple(sorted(requirements, key=lambda r: r.key)))

    def fail(self, text: str, expected: str) -> BadRequest:
        return BadRequest(f"unable to parse requirement: found '{text}'{expected}")

    def requirement(self) -> Requirement:
        kind, key = self.take()
        absent = key == "!"
        if absent:
            kind, key = self.take()
        if kind != "word":
            raise self.fail(key, ", expected: identifier")
        if messages := names.label_key(key):
            # Upstream prints a path that is not there as <nil>.
            problem = fields.invalid("<nil>", key, "; ".join(messages))
            raise BadRequest(f"unable to parse requirement: {problem}")
        if absent or self.peek() in (_END, ("symbol", ",")):
            return Requirement(key, "!" if absent else "exists")
        operator, text = None, self.take()[1]
        operator = _SYMBOLS.get(text)
        if operator is None:
            raise self.fail(text, f", expected: {', '.join(_BINARY)}")
        values = self.values() if operator in ("in", "notin") else self.exact()
        return _requirement(key, operator, values, "unable to parse requirement: ")

    def values(self) -> set[str]:
        """Read `(a,b)`; an empty place between commas is the empty value."""
        kind, text = self.take()
        if text != "(":
            raise self.fail(text, " expected: '('")
        values, place_filled = set(), False
        while True:
            kind, text = self.take()
            if kind == "word" and not place_filled:
                values.add(text)
                place_filled = True
            elif text in (",", ")") and kind == "symbol":
                if not place_filled:
                    values.add("")
                place_filled = False
                if text == ")":
                    return values
            elif place_filled:
                raise self.fail(text, ", expected: ',' or ')'")
            elif not values:
                raise self.fail(text, ", expected: ',', ')' or identifier")
            else:
                raise self.fail(text, ", expected: ',', or identifier")

    def exact(self) -> set[str]:
        if self.peek() in (_END, ("symbol", ",")):
            return {""}
        kind, text = self.take()
        if kind != "word":
            raise self.fail(text, ", expected: identifier")
        return {text}


@dataclass(frozen=True, slots=True)
class FieldSelector:
    """All of `terms`: (path, equal, value)."""

    terms: tuple[tuple[str, bool, str], ...] = ()

    def matches(self, read: Callable[[str], str]) -> bool:
        """Return whether an object is selected; `read` gives the text of one of its fields by path."""
        return all((read(path) == value) is equal for path, equal, value in self.terms)

    @property
    def paths(self) -> list[str]:
        """The paths it looks at, for refusing those the kind does not index."""
        return [path for path, _, _ in self.terms]

    def required(self, path: str) -> str | None:
        """Return the one value `path` must have, or None: a selector on metadata.name reads one object."""
        return next((value for p, equal, value in self.terms if p == path and equal), None)

    def __str__(self) -> str:
        return ",".join(f"{path}{'=' if equal else '!='}{_escape(value)}" for path, equal, value in self.terms)


def _escape(value: str) -> str:
    return re.sub(r"[\\,=]", lambda m: "\\" + m[0], value)


def parse_fields(text: str) -> FieldSelector:
    """Return the selector of a `fieldSelector` query (`a=b,c!=d`; `\\` escapes); BadRequest where it is malformed."""
    terms = []
    for part in sorted(_split_terms(text)):
        if not part:
            continue
        match = re.search("!=|==|=", part)
        if match is None:
            raise BadRequest(f"invalid selector: '{text}'; can't understand '{part}'")
        terms.append((part[: match.start()], match[0] != "!=", _unescape(part[match.end() :])))
    _check_count(terms)
    return FieldSelector(tuple(terms))


def _split_terms(text: str) -> list[str]:
    """Split at commas that no backslash escapes."""
    return [m[0] for m in re.finditer(r"(?:\\.|[^,\\]|\\$)+", text, re.DOTALL)]


def _unescape(text: str) -> str:
    result, escaped = [], False
    for char in text:
        if escaped:
            if char not in "\\,=":
                raise BadRequest(f"invalid field selector: invalid escape sequence: \\{char}")
            result.append(char)
            escaped = False
        elif char == "\\":
            escaped = True
        elif char in ",=":
            raise BadRequest(f"invalid field selector: unescaped character in value: {ord(char)}")
        else:
            result.append(char)
    if escaped:
        raise BadRequest("invalid field selector: invalid escape sequence: \\")
    return "".join(result)
