"""How each version of OpenAPI spells an operation."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple

from wherry.objects import Object
from wherry.objects.definitions import GroupVersionKind
from wherry.objects.openapi.parameters import Parameter
from wherry.objects.openapi.paths import Route, Verb
from wherry.objects.openapi.schemas import PATCH, V2, V3, Dialect
from wherry.objects.openapi.served import ServedKind
from wherry.objects.structural.shape import Shape

OBJECTS = ("application/json", "application/yaml")
WATCH = "application/json;stream=watch"
STREAMED = ("*/*",)
STRATEGIC = "application/strategic-merge-patch+json"
PATCHES = ("application/json-patch+json", "application/merge-patch+json", STRATEGIC, "application/apply-patch+yaml")
CUSTOM_PATCHES = tuple(type_ for type_ in PATCHES if type_ != STRATEGIC)
"""kubectl sends strategic merge patches where they are among the types."""
_DELETE_OPTIONS = "io.k8s.apimachinery.pkg.apis.meta.v1.DeleteOptions"
_STATUS = "io.k8s.apimachinery.pkg.apis.meta.v1.Status"


class _Body(NamedTuple):
    """What a request carries: its schema, None for nothing, and the media types it may be in."""

    schema: Object | None
    media: Sequence[str]


class Operations:
    """How one version of OpenAPI spells an operation."""

    dialect: Dialect
    parameter: Callable[[str, Parameter], Object]

    def __init__(self, names: Mapping[GroupVersionKind, str]):
        self._names = names

    def operation(self, kind: ServedKind, route: Route, verb: Verb) -> Object:
        """Return the operation of `verb` at a URL of `kind`."""
        operation: Object = {
            "tags": [f"{kind.group.partition('.')[0] or 'core'}_{kind.version}"],
            "operationId": _operation_id(kind, route, verb),
            "x-kubernetes-action": verb.action,
        }
        result = kind.list_gvk if verb.action == "list" else route.gvk
        media = STREAMED if route.gvk is None else (*OBJECTS, WATCH) if verb.action == "list" else OBJECTS
        body = _Body(self._body(verb, route.gvk), _consumed(kind, verb))
        operation |= self.exchange(verb, body, self._answer(verb, result), media)
        if route.gvk:
            named = dict(zip(("group", "version", "kind"), route.gvk, strict=True))
            operation["x-kubernetes-group-version-kind"] = named
        return operation

    def exchange(self, verb: Verb, body: _Body, answer: Object, media: Sequence[str]) -> Object:
        """Return the members for parameters, request body and responses."""
        raise NotImplementedError

    def _body(self, verb: Verb, gvk: GroupVersionKind | None) -> Object | None:
        match verb.body:
            case "":
                return None
            case "patch":
                return self.dialect.reference(PATCH)
            case "options":
                return self.dialect.reference(_DELETE_OPTIONS)
        return self._of_kind(gvk)

    def _answer(self, verb: Verb, result: GroupVersionKind | None) -> Object:
        return self.dialect.reference(_STATUS) if verb.body == "options" else self._of_kind(result)

    def _of_kind(self, gvk: GroupVersionKind | None) -> Object:
        if gvk is None:
            return {"type": "string"}
        name = self._names.get(gvk)
        return self.dialect.reference(name) if name else {"type": "object"}


def _consumed(kind: ServedKind, verb: Verb) -> Sequence[str]:
    if verb.body != "patch":
        return ("*/*",)
    return CUSTOM_PATCHES if isinstance(kind.type, Shape) else PATCHES


def _operation_id(kind: ServedKind, route: Route, verb: Verb) -> str:
    group = "".join(part.capitalize() for part in kind.group.removesuffix(".k8s.io").split(".")) or "Core"
    scope = "Namespaced" if "{namespace}" in route.path else ""
    part, _, rest = route.path.partition("{name}/")[2].partition("/")
    everywhere = "ForAllNamespaces" if kind.namespaced and not scope else ""
    method = verb.method.capitalize() if verb.action == "connect" else ""
    name = f"{kind.kind}{part.capitalize()}{'WithPath' if rest else ''}"
    return f"{verb.action}{group}{kind.version.capitalize()}{method}{scope}{name}{everywhere}"


class OperationsV2(Operations):
    """Swagger 2.0."""

    dialect = V2

    @staticmethod
    def parameter(place: str, parameter: Parameter) -> Object:
        """Return a parameter in the `query` or the `path`."""
        spelled: Object = {
            "name": parameter.name,
            "in": place,
            "description": parameter.description,
            "type": parameter.type,
            "uniqueItems": True,
        }
        return spelled | ({"required": True} if place == "path" else {})

    def exchange(self, verb: Verb, body: _Body, answer: Object, media: Sequence[str]) -> Object:
        """See `Operations.exchange`."""
        parameters: list[Any] = [self.parameter("query", parameter) for parameter in verb.query]
        if body.schema is not None:
            needed = verb.body != "options"
            parameters.insert(0, {"name": "body", "in": "body", "required": needed, "schema": body.schema})
        return {
            "consumes": list(body.media),
            "produces": list(media),
            "parameters": parameters,
            "responses": {
                **{str(code): {"description": HTTPStatus(code).phrase, "schema": answer} for code in verb.codes},
                "401": {"description": "Unauthorized"},
            },
        }


class OperationsV3(Operations):
    """OpenAPI 3.0."""

    dialect = V3

    @staticmethod
    def parameter(place: str, parameter: Parameter) -> Object:
        """Return a parameter in the `query` or the `path`."""
        spelled: Object = {
            "name": parameter.name,
            "in": place,
            "description": parameter.description,
            "schema": {"type": parameter.type, "uniqueItems": True},
        }
        return spelled | ({"required": True} if place == "path" else {})

    def exchange(self, verb: Verb, body: _Body, answer: Object, media: Sequence[str]) -> Object:
        """See `Operations.exchange`."""
        result: Object = {
            "parameters": [self.parameter("query", parameter) for parameter in verb.query],
            "responses": {
                **{
                    str(code): {
                        "description": HTTPStatus(code).phrase,
                        "content": {type_: {"schema": answer} for type_ in media},
                    }
                    for code in verb.codes
                },
                "401": {"description": "Unauthorized"},
            },
        }
        if body.schema is not None:
            result["requestBody"] = {
                "required": verb.body != "options",
                "content": {type_: {"schema": body.schema} for type_ in body.media},
            }
        return result
