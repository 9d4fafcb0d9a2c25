"""The `Kind` of a CustomResourceDefinition, and one for each of its versions.

Source: apiextensions-apiserver pkg/apiserver/customresource_handler.go, pkg/registry/customresource (strategy.go,
validator.go, etcd.go).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from wherry.apiserver.calls.webhook import Webhooks
from wherry.apiserver.customresources import columns
from wherry.apiserver.customresources.conversion import Renaming
from wherry.apiserver.customresources.conversionwebhook import WebhookConversion
from wherry.apiserver.kind import Context, Converter, Kind, ScalePaths
from wherry.apiserver.kinds.apiextensions.customresourcedefinition import storage_version
from wherry.objects import Object, fields, metadata, names
from wherry.objects.errors import FieldError, MethodNotAllowed
from wherry.objects.resource import Resource
from wherry.objects.structural import paths, walking
from wherry.objects.structural.shape import Shape
from wherry.objects.structural.values import ABSENT, NOWHERE, go_number

_ANYTHING = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
_KEPT_BY_STATUS = ("labels", "annotations", "finalizers", "ownerReferences", "generateName")


def check(definition: Object) -> None:
    """Raise `ValueError` where a definition cannot be served: by its names everybody else's discovery is made, too."""
    spec, accepted = definition["spec"], definition["status"]["acceptedNames"]
    wrong = names.dns_subdomain(spec["group"]) + names.service_name(accepted["plural"])
    wrong += [why for version in spec["versions"] for why in names.service_name(version["name"])]
    if not names.dns_label(accepted["kind"].lower()) and not wrong and storage_version(definition):
        return
    raise ValueError(f"it has no names to be served by: {'; '.join(wrong) or 'no kind, or no version to be stored in'}")


def kind(definition: Object, calls: Webhooks) -> Kind:
    """Return the kind that a definition makes: in its storage version, with a variant for each served one.

    Where its versions are a webhook's to translate, that is asked by `calls`.
    """
    spec = definition["spec"]
    storage = storage_version(definition)
    group = spec["group"]
    shapes = {version["name"]: _shape(definition, version) for version in spec["versions"]}
    converter = _converter(definition, {f"{group}/{name}": shape for name, shape in shapes.items()}, calls)
    variants = {
        (group, version["name"]): _variant(definition, version, shapes, converter)
        for version in spec["versions"]
        if version.get("served")
    }
    return Kind(
        resource=_resource(definition, storage),
        also=[(group, version["name"]) for version in spec["versions"] if version["name"] != storage],
        types={(group, name): shape for name, shape in shapes.items()},
        converter=converter,
        variants=variants,
        **_names(definition),
    )


def _converter(definition: Object, shapes: Mapping[str, Shape], calls: Webhooks) -> Converter:
    spec = definition["spec"]
    storage = f"{spec['group']}/{storage_version(definition)}"
    conversion = spec.get("conversion") or {}
    if conversion.get("strategy") != "Webhook":
        return Renaming(shapes, storage)
    return WebhookConversion(definition["metadata"]["name"], shapes, storage, conversion.get("webhook") or {}, calls)


def _resource(definition: Object, version: str) -> Resource:
    spec, names = definition["spec"], definition["status"]["acceptedNames"]
    return Resource(spec["group"], version, names["plural"], names["kind"], spec["scope"] == "Namespaced")


def _names(definition: Object) -> dict[str, Any]:
    names = definition["status"]["acceptedNames"]
    return {
        "singular": names.get("singular", ""),
        "list_kind": names.get("listKind", ""),
        "short_names": tuple(names.get("shortNames") or ()),
        "categories": tuple(names.get("categories") or ()),
    }


def _shape(definition: Object, version: Object) -> Shape:
    schema = (version.get("schema") or {}).get("openAPIV3Schema") or _ANYTHING
    group, kind_ = definition["spec"]["group"], definition["spec"]["names"]["kind"]
    return Shape(f"{'.'.join(reversed(group.split('.')))}.{version['name']}.{kind_}", schema)


def _variant(definition: Object, version: Object, shapes: Mapping[str, Shape], converter: Converter) -> Kind:
    group, name = definition["spec"]["group"], version["name"]
    subresources = version.get("subresources") or {}
    scale = subresources.get("scale")
    api_version = f"{group}/{name}"
    warning = version.get("deprecationWarning") or f"{api_version} {definition['spec']['names']['kind']} is deprecated"
    selectable = [one["jsonPath"] for one in version.get("selectableFields") or ()]
    return Kind(
        resource=_resource(definition, name),
        also=[(group, other) for other in shapes if other != name],
        types={(group, other): shape for other, shape in shapes.items()},
        converter=converter,
        prepare=_prepare(definition, "status" in subresources),
        check=_check(shapes[name], scale),
        columns=columns.columns(version.get("additionalPrinterColumns") or ()),
        age=False,
        has_status="status" in subresources,
        status_keeps=_KEPT_BY_STATUS,
        unconditional_update=False,
        scale=scale is not None,
        scale_paths=_scale_paths(scale or {}),
        short_finalizers=True,
        generation=True,
        generation_counts_all=True,
        fields={path.removeprefix("."): _reader(path) for path in selectable},
        deprecations={(group, name): warning} if version.get("deprecated") else {},
        **_names(definition),
    )


def _scale_paths(scale: Object) -> ScalePaths:
    return ScalePaths(
        scale.get("specReplicasPath", ""),
        scale.get("statusReplicasPath", ""),
        scale.get("labelSelectorPath", ""),
        is_object=False,
    )


def _reader(path: str) -> Callable[[Object], str]:
    def read(obj: Object) -> str:
        value = paths.get(obj, path)
        if isinstance(value, bool):
            return str(value).lower()
        return go_number(value) if isinstance(value, (int, float)) else value or ""

    return read


def _prepare(definition: Object, has_status: bool) -> Callable[[Object, Object | None, Context], None]:
    closing = metadata.is_being_deleted(definition)
    spec = definition["spec"]

    def prepare(new: Object, old: Object | None, context: Context) -> None:
        if old is None and closing:
            error = MethodNotAllowed.of(spec["names"]["plural"], "create", spec["group"])
            error.message = "create not allowed while custom resource definition is terminating"
            error.args = (error.message,)
            raise error
        if old is None and has_status:
            new.pop("status", None)

    return prepare


def _check(shape: Shape, scale: Object | None) -> Callable[[Object, Object | None, str], list[FieldError]]:
    has_rules = any(one.get("x-kubernetes-validations") for one in walking.schemas(shape.schema))
    broken = _rules(shape) if has_rules else None

    def check(new: Object, old: Object | None, part: str) -> list[FieldError]:
        errors = shape.errors(new, old, part)
        if broken is not None:
            errors += [_UNCHECKED] if any(e.type in _BLOCKING for e in errors) else broken(new, old)
        if scale is not None:
            errors += _scale_errors(new, scale, part)
        return errors

    return check


_BLOCKING = ("FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid")
_UNCHECKED = FieldError(
    "FieldValueInvalid",
    NOWHERE,
    "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing "
    "errors to complete validation",
)


def _rules(shape: Shape) -> Callable[[Object, Object | None], list[FieldError]]:
    """Return what checks rules; CEL is loaded only where there are any."""
    from wherry.apiserver.customresources.rules import Rules

    rules = Rules(shape.schema, is_root=True)

    def broken(new: Object, old: Object | None) -> list[FieldError]:
        return list(rules.errors(new, ABSENT if old is None else old))

    return broken


def _scale_errors(obj: Object, scale: Object, part: str) -> Sequence[FieldError]:
    keys = ("statusReplicasPath",) if part == "status" else ("specReplicasPath", "statusReplicasPath")
    errors = []
    for path in (scale[key] for key in keys):
        value = paths.get(obj, path)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            errors.append(
                fields.invalid(path, 0, f"{path} accessor error: {value} is of the type {_go(value)}, expected int64")
            )
        elif value is not None and value < 0:
            errors.append(fields.invalid(path, value, "should be a non-negative integer"))
        elif value is not None and value >= 1 << 31:
            errors.append(fields.invalid(path, value, f"should be less than or equal to {(1 << 31) - 1}"))
    return errors


def _go(value: Any) -> str:
    names = {str: "string", bool: "bool", float: "float64", dict: "map[string]interface {}", list: "[]interface {}"}
    return names.get(type(value), "nil")
