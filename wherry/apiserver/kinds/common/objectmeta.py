"""Metadata checks that every kind shares; the API server's core calls them for each write.

Source of rules and texts: k8s.io/apimachinery pkg/api/validation/objectmeta.go, pkg/apis/meta/v1/validation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.common import checks
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError

ANNOTATIONS_LIMIT = 256 * 1024
"""Bytes of all keys and values of an object's annotations together."""

_GARBAGE_COLLECTOR = ("orphan", "foregroundDeletion")
_STANDARD_FINALIZERS = ("kubernetes", *_GARBAGE_COLLECTOR)
_IMMUTABLE = ("name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds")


def validate(obj: Object, kind: Kind) -> list[FieldError]:
    """Return what is wrong with the metadata of `obj`, whose name has been generated already where it had to be."""
    meta = obj["metadata"]
    check = names.BY_PATTERN[kind.name_pattern]
    errors = []
    if prefix := meta.get("generateName"):
        errors += [fields.invalid("metadata.generateName", prefix, m) for m in check(names.as_prefix(prefix))]
    if name := meta.get("name"):
        errors += checks.named("metadata.name", name, check)
    else:
        errors.append(fields.required("metadata.name", "name or generateName is required"))
    return errors + _namespace(meta, kind.namespaced) + _common(meta, kind)


def validate_update(new: Object, old: Object, kind: Kind) -> list[FieldError]:
    """Return what an update may not do to metadata."""
    was, now = old["metadata"], new["metadata"]
    errors = []
    if was.get("deletionTimestamp"):
        errors += _no_new_finalizers(now.get("finalizers") or (), was.get("finalizers") or ())
    for key in _IMMUTABLE:
        errors += checks.immutable(f"metadata.{key}", now.get(key), was.get(key))
    return errors + _common(now, kind)


def _namespace(meta: Object, namespaced: bool) -> list[FieldError]:
    namespace = meta.get("namespace")
    if namespaced:
        return checks.required_name("metadata.namespace", namespace, names.dns_label)
    return [fields.forbidden("metadata.namespace", "not allowed on this type")] if namespace else []


def _common(meta: Object, kind: Kind) -> list[FieldError]:
    return [
        *validate_labels("metadata.labels", meta.get("labels") or {}),
        *validate_annotations("metadata.annotations", meta.get("annotations") or {}),
        *_owner_references(meta.get("ownerReferences") or ()),
        *_finalizers(meta.get("finalizers") or (), kind),
    ]


def validate_labels(path: str, labels: Mapping[str, str]) -> list[FieldError]:
    """Check keys and values of labels, or of a selector written as labels."""
    errors = []
    for key, value in labels.items():
        errors += checks.named(path, key, names.label_key)
        errors += checks.named(path, value, names.label_value)
    return errors


def validate_annotations(path: str, annotations: Mapping[str, str]) -> list[FieldError]:
    """Check the keys of annotations (case does not matter) and their total size."""
    errors = [fields.invalid(path, key, m) for key in annotations for m in names.qualified_name(key.lower())]
    size = sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items())
    return [*errors, fields.too_long(path, ANNOTATIONS_LIMIT)] if size > ANNOTATIONS_LIMIT else errors


def validate_finalizer(path: str, finalizer: str) -> list[FieldError]:
    """Check a finalizer's name: qualified, or one of Kubernetes' own short ones."""
    if errors := checks.named(path, finalizer, names.qualified_name):
        return errors
    if "/" in finalizer or finalizer in _STANDARD_FINALIZERS:
        return []
    text = "name is neither a standard finalizer name nor is it fully qualified"
    return [fields.invalid(path, finalizer, text)]


def _finalizers(finalizers: Sequence[str], kind: Kind) -> list[FieldError]:
    errors = []
    for i, finalizer in enumerate(finalizers):
        path = f"metadata.finalizers[{i}]"
        if kind.short_finalizers:
            errors += checks.named(path, finalizer, names.qualified_name)
        else:
            errors += validate_finalizer(path, finalizer)
    if all(f in finalizers for f in _GARBAGE_COLLECTOR):
        text = "finalizer orphan and foregroundDeletion cannot be both set"
        errors.append(fields.invalid("metadata.finalizers", list(finalizers), text))
    return errors


def _no_new_finalizers(new: Sequence[str], old: Sequence[str]) -> list[FieldError]:
    extra = sorted(set(new) - set(old))
    if not extra:
        return []
    shown = ", ".join(map(fields.quote, extra))  # Go's %#v of a []string
    text = f"no new finalizers can be added if the object is being deleted, found new finalizers []string{{{shown}}}"
    return [fields.forbidden("metadata.finalizers", text)]


def _owner_references(references: Sequence[Object]) -> list[FieldError]:
    path = "metadata.ownerReferences"
    errors, controller = [], ""
    for reference in references:
        errors += _owner_reference(path, reference)
        if reference.get("controller"):
            this = f"{reference.get('kind', '')}/{reference.get('name', '')}"
            if controller:
                text = (
                    'Only one reference can have Controller set to true. Found "true" in references for '
                    f"{controller} and {this}"
                )
                errors.append(fields.invalid(path, list(references), text))
            controller = controller or this
    return errors


def _owner_reference(path: str, reference: Object) -> list[FieldError]:
    errors = []
    if not reference.get("apiVersion"):
        errors.append(fields.invalid(f"{path}.apiVersion", "", "version must not be empty"))
    for key in ("kind", "name", "uid"):
        if not reference.get(key):
            errors.append(fields.invalid(f"{path}.{key}", "", "must not be empty"))
    if (reference.get("apiVersion"), reference.get("kind")) == ("v1", "Event"):
        errors.append(fields.invalid(path, reference, "/v1, Kind=Event is disallowed from being an owner"))
    return errors
