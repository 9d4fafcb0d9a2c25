"""The spec of a CustomResourceDefinition: names, versions, columns, subresources, selectable fields, conversion.

Source: apiextensions-apiserver pkg/apis/apiextensions/validation/validation.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from wherry.apiserver.kinds.apiextensions import schema
from wherry.apiserver.kinds.common import webhookclient
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.structural.walking import child

COLUMN_TYPES = ("boolean", "date", "integer", "number", "string")
COLUMN_FORMATS = ("byte", "date", "date-time", "double", "float", "int32", "int64", "password")
MOST_SELECTABLE = 8
REVIEW_VERSIONS = ("v1", "v1beta1")
"""Of ConversionReview: what this server can speak is v1; v1beta1 is taken for what it is upstream, a known name."""


def errors(spec: Object, path: str = "spec") -> Iterator[FieldError]:
    """Yield what is wrong with the spec of a definition."""
    yield from _group(spec.get("group", ""), f"{path}.group")
    yield from _one_of(spec.get("scope", ""), ("Cluster", "Namespaced"), f"{path}.scope")
    versions: Sequence[Object] = spec.get("versions") or ()
    for i, version in enumerate(versions):
        if not (version.get("schema") or {}).get("openAPIV3Schema"):
            yield fields.required(f"{path}.versions[{i}].schema.openAPIV3Schema")
    for i, version in enumerate(versions):
        yield from _version(version, f"{path}.versions[{i}]")
    if len({v.get("name") for v in versions}) < len(versions):
        yield fields.invalid(f"{path}.versions", versions, "must contain unique version names")
    if sum(bool(v.get("storage")) for v in versions) != 1:
        text = "must have exactly one version marked as storage version"
        yield fields.invalid(f"{path}.versions", versions, text)
    yield from _names_given(spec.get("names") or {}, f"{path}.names")
    yield from naming(spec.get("names") or {}, f"{path}.names")
    if spec.get("preserveUnknownFields"):
        text = "cannot set to true, set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead"
        yield fields.invalid(f"{path}.preserveUnknownFields", True, text)
    yield from _conversion(spec.get("conversion") or {}, f"{path}.conversion")
    if (spec.get("conversion") or {}).get("strategy") == "Webhook":
        yield from _selected_elsewhere(versions, path)


def _group(group: str, path: str) -> Iterator[FieldError]:
    if not group:
        yield fields.required(path)
    elif wrong := names.dns_subdomain(group):
        yield fields.invalid(path, group, ",".join(wrong))
    elif "." not in group:
        yield fields.invalid(path, group, "should be a domain with at least one dot")


def _one_of(value: str, allowed: Sequence[str], path: str) -> Iterator[FieldError]:
    if not value:
        yield fields.required(path)
    elif value not in allowed:
        yield fields.not_supported(path, value, allowed)


def _names_given(found: Object, path: str) -> Iterator[FieldError]:
    for key in ("plural", "singular", "kind", "listKind"):
        if not found.get(key):
            yield fields.required(f"{path}.{key}")


def naming(found: Object, path: str) -> Iterator[FieldError]:
    """Yield what is wrong with the names of a custom resource that are given."""
    for key in ("plural", "singular"):
        if (name := found.get(key)) and (wrong := names.service_name(name)):
            yield fields.invalid(f"{path}.{key}", name, ",".join(wrong))
    for key in ("kind", "listKind"):
        if (name := found.get(key)) and (wrong := names.service_name(name.lower())):
            text = "may have mixed case, but should otherwise match: " + ",".join(wrong)
            yield fields.invalid(f"{path}.{key}", name, text)
    if found.get("kind") and found["kind"] == found.get("listKind"):
        yield fields.invalid(f"{path}.listKind", found["listKind"], "kind and listKind may not be the same")
    for key in ("shortNames", "categories"):
        for i, name in enumerate(found.get(key) or ()):
            if wrong := names.service_name(name):
                yield fields.invalid(f"{path}.{key}[{i}]", name, ",".join(wrong))


def _version(version: Object, path: str) -> Iterator[FieldError]:
    name = version.get("name", "")
    if wrong := names.service_name(name):
        yield fields.invalid(f"{path}.name", name, ",".join(wrong))
    yield from _deprecation(version, f"{path}.deprecationWarning")
    subresources = version.get("subresources") or {}
    described = (version.get("schema") or {}).get("openAPIV3Schema")
    if described:
        place = f"{path}.schema.openAPIV3Schema"
        yield from schema.errors(described, place, status="status" in subresources)
    if (scale := subresources.get("scale")) is not None:
        yield from _scale(scale, f"{path}.subresources.scale")
    for i, column in enumerate(version.get("additionalPrinterColumns") or ()):
        yield from _column(column, f"{path}.additionalPrinterColumns[{i}]")
    yield from _selectable(version.get("selectableFields") or (), described or {}, f"{path}.selectableFields")


def _deprecation(version: Object, path: str) -> Iterator[FieldError]:
    warning = version.get("deprecationWarning")
    if warning is None:
        return
    if not version.get("deprecated"):
        yield fields.invalid(path, warning, "can only be set for deprecated versions")
        return
    if len(warning) > 256:
        yield fields.invalid(path, warning, "must be <= 256 characters long")
    if not warning:
        yield fields.invalid(path, warning, "must not be an empty string")
    bad = next((i for i, c in enumerate(warning) if not c.isprintable()), None)
    if bad is not None:
        text = f"must only contain printable UTF-8 characters; non-printable character found at index {bad}"
        yield fields.invalid(path, warning, text)


def _scale(scale: Object, path: str) -> Iterator[FieldError]:
    for key, under in (("specReplicasPath", ".spec."), ("statusReplicasPath", ".status.")):
        if not (value := scale.get(key)):
            yield fields.required(f"{path}.{key}")
        elif wrong := list(_simple_path(value, f"{path}.{key}")):
            yield from wrong
        elif not value.startswith(under):
            yield fields.invalid(f"{path}.{key}", value, f"should be a json path under {under[:-1]}")
    if selector := scale.get("labelSelectorPath"):
        place = f"{path}.labelSelectorPath"
        if wrong := list(_simple_path(selector, place)):
            yield from wrong
        elif not selector.startswith((".spec.", ".status.")):
            yield fields.invalid(place, selector, "should be a json path under either .spec or .status")


def _simple_path(value: str, path: str) -> Iterator[FieldError]:
    if not value.startswith("."):
        yield fields.invalid(path, value, "must be a simple json path starting with .")


def _column(column: Object, path: str) -> Iterator[FieldError]:
    if not column.get("name"):
        yield fields.required(f"{path}.name")
    type_, types = column.get("type", ""), f"must be one of {','.join(COLUMN_TYPES)}"
    if not type_:
        yield fields.required(f"{path}.type", types)
    elif type_ not in COLUMN_TYPES:
        yield fields.invalid(f"{path}.type", type_, types)
    if (format := column.get("format")) and format not in COLUMN_FORMATS:
        yield fields.invalid(f"{path}.format", format, f"must be one of {','.join(COLUMN_FORMATS)}")
    if not (place := column.get("jsonPath")):
        yield fields.required(f"{path}.JSONPath")
    else:
        yield from _simple_path(place, f"{path}.JSONPath")


def _selectable(found: Sequence[Object], described: dict[str, Any], path: str) -> Iterator[FieldError]:
    seen: set[str] = set()
    for i, one in enumerate(found):
        place, value = f"{path}[{i}].jsonPath", one.get("jsonPath", "")
        if not value:
            yield fields.required(place)
            continue
        inner: dict[str, Any] | None = described
        for name in value.removeprefix(".").split("."):
            inner = child(inner, name)
        if not value.startswith(".") or inner is None:
            yield fields.invalid(place, value, "is an invalid path: does not refer to a valid field")
            continue
        if value.startswith(".metadata"):
            yield fields.invalid(place, value, "must not point to fields in metadata")
        if inner.get("type") not in ("string", "boolean", "integer"):
            text = (
                "must point to a field of type string, boolean or integer. "
                "Enum string fields and strings with formats are allowed."
            )
            yield fields.invalid(place, value, text)
        if value in seen:
            yield fields.duplicate(place, value)
        seen.add(value)
    if len(seen) > MOST_SELECTABLE:
        yield fields.too_many(path, len(seen), MOST_SELECTABLE)


def _conversion(conversion: Object, path: str) -> Iterator[FieldError]:
    strategy, webhook = conversion.get("strategy", ""), conversion.get("webhook")
    yield from _one_of(strategy, ("None", "Webhook"), f"{path}.strategy")
    place = f"{path}.webhookClientConfig"  # as upstream's internal version has it
    if strategy == "Webhook":
        config = (webhook or {}).get("clientConfig")
        if config is None:
            yield fields.required(place, "required when strategy is set to Webhook")
        else:
            yield from webhookclient.errors(config, place)
        reviews = (webhook or {}).get("conversionReviewVersions") or ()
        yield from _reviews(reviews, f"{path}.conversionReviewVersions")
    elif webhook is not None:
        yield fields.forbidden(place, "should not be set when strategy is not set to Webhook")


def _selected_elsewhere(versions: Sequence[Object], path: str) -> Iterator[FieldError]:
    """Objects are selected as they are stored: nobody asks a webhook about each to find one."""
    for i, version in enumerate(versions):
        if version.get("selectableFields") and version.get("served") and not version.get("storage"):
            text = "wherry selects by fields of the storage version only where a webhook converts"
            yield fields.forbidden(f"{path}.versions[{i}].selectableFields", text)


def _reviews(versions: Sequence[str], path: str) -> Iterator[FieldError]:
    if not versions:
        yield fields.required(path)
        return
    for i, version in enumerate(versions):
        if version in versions[:i]:
            yield fields.invalid(f"{path}[{i}]", version, "duplicate version")
        else:
            yield from (fields.invalid(f"{path}[{i}]", version, m) for m in names.service_name(version))
    if not set(versions) & set(REVIEW_VERSIONS):
        text = f"must include at least one of {', '.join(REVIEW_VERSIONS)}"
        yield fields.invalid(path, list(versions), text)


def immutable(new: Object, old: Object, *, established: bool) -> Iterator[FieldError]:
    """Yield what an update changes and may not; `established`: the names are in use."""
    parts: list[tuple[str, Callable[[Object], Any]]] = [
        ("group", lambda spec: spec.get("group")),
        ("names.plural", lambda spec: (spec.get("names") or {}).get("plural")),
    ]
    if established:
        parts.append(("scope", lambda spec: spec.get("scope")))
        parts.append(("names.kind", lambda spec: (spec.get("names") or {}).get("kind")))
    for name, read in parts:
        if read(new) != read(old):
            yield fields.invalid(f"spec.{name}", read(new), "field is immutable")
