"""CustomResourceDefinition (apiextensions.k8s.io/v1). What it makes the server serve is in `apiserver/customresources`.

Source: apiextensions-apiserver pkg/registry/customresourcedefinition, pkg/apis/apiextensions (v1/defaults.go,
validation).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.apiextensions import approval, spec
from wherry.apiserver.kinds.common import webhookclient
from wherry.objects import Object, fields, metadata
from wherry.objects.errors import FieldError
from wherry.objects.resource import CUSTOM_RESOURCE_DEFINITIONS
from wherry.objects.structural import formats, walking

CLEANUP = "customresourcecleanup.apiextensions.k8s.io"
"""The finalizer that keeps a definition until its last object is gone."""


def _default(obj: Object) -> None:
    found = obj["spec"]
    names = found.setdefault("names", {})
    if kind := names.get("kind"):
        names["singular"] = names.get("singular") or kind.lower()
        names["listKind"] = names.get("listKind") or f"{kind}List"
    conversion = found.setdefault("conversion", {"strategy": "None"})
    webhookclient.default((conversion.get("webhook") or {}).get("clientConfig") or {})


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is None:
        new["status"] = {"conditions": [], "acceptedNames": {"plural": "", "kind": ""}, "storedVersions": []}
    stored = new["status"].get("storedVersions") or []
    storage = storage_version(new)
    if storage and storage not in stored and (old is None or new["spec"] != old["spec"]):
        new["status"] = {**new["status"], "storedVersions": [*stored, storage]}
    if found := dict.fromkeys(_warnings(new)):
        known = set(_warnings(old)) if old is not None else ()
        for warning in found:
            if warning not in known:
                context.warn(warning)


def _deleting(obj: Object) -> None:
    """Keep the definition until its objects are gone."""
    meta, status = obj["metadata"], obj.get("status") or {}
    meta["finalizers"] = list(dict.fromkeys([*(meta.get("finalizers") or ()), CLEANUP]))
    why = "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"
    pending = "InstanceDeletionPending"
    now = meta["deletionTimestamp"]
    conditions = metadata.set_condition(status.get("conditions"), "Terminating", "True", pending, why, now)
    obj["status"] = {**status, "conditions": conditions}


def storage_version(definition: Object) -> str:
    """Return the version that objects are stored in, "" when none is said to be."""
    versions = definition["spec"].get("versions") or ()
    return next((v.get("name", "") for v in versions if v.get("storage")), "")


def _schemas(definition: Object) -> Iterator[dict[str, Any]]:
    for version in definition["spec"].get("versions") or ():
        if schema := (version.get("schema") or {}).get("openAPIV3Schema"):
            yield from walking.schemas(schema)


def _warnings(definition: Object) -> Iterator[str]:
    for schema in _schemas(definition):
        format = schema.get("format")
        if format and not formats.known(format, schema.get("type", "")):
            yield f'unrecognized format "{format}"'
        inner = (walking.items(schema) or {}).get("type")
        if schema.get("x-kubernetes-list-type") == "set" and inner in ("object", "array"):
            what = f'x-kubernetes-list-type: set for items of type "{inner}"'
            yield f"{what} is not supported by server-side apply or CEL validation rules"


def _validate(obj: Object) -> list[FieldError]:
    found, name = obj["spec"], obj["metadata"].get("name", "")
    errors = []
    if name != f"{(found.get('names') or {}).get('plural', '')}.{found.get('group', '')}":
        errors.append(fields.invalid("metadata.name", name, 'must be spec.names.plural+"."+spec.group'))
    errors += spec.errors(found)
    errors += _stored(obj)
    if "resourceVersion" not in obj["metadata"]:  # it is new
        errors += approval.errors(obj, None)
    return errors


def _stored(obj: Object) -> Iterator[FieldError]:
    path, stored = "status.storedVersions", (obj.get("status") or {}).get("storedVersions") or []
    if not stored:
        yield fields.invalid(path, stored, "must have at least one stored version")
        return
    versions = [v.get("name") for v in obj["spec"].get("versions") or ()]
    if (storage := storage_version(obj)) and storage not in stored:
        yield fields.invalid(path, stored, f"must have the storage version {storage}")
    for i, version in enumerate(stored):
        if version not in versions:
            text = (
                f"missing from spec.versions; {version} was previously a storage version, and must remain in "
                f"spec.versions until a storage migration ensures no data remains persisted in {version} and removes "
                f"{version} from status.storedVersions"
            )
            yield fields.invalid(f"{path}[{i}]", version, text)


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    established = metadata.is_true(old, "Established")
    return [*spec.immutable(new["spec"], old["spec"], established=established), *approval.errors(new, old)]


def _versions(obj: Object) -> str:
    served = [v for v in obj["spec"].get("versions") or () if v.get("served")]
    return ",".join(sorted(v["name"] + ("(storage)" if v.get("storage") else "") for v in served))


CUSTOM_RESOURCE_DEFINITION = Kind(
    resource=CUSTOM_RESOURCE_DEFINITIONS,
    short_names=("crd", "crds"),
    categories=("api-extensions",),
    has_status=True,
    generation=True,
    unconditional_update=False,
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    deleting=_deleting,
    short_finalizers=True,
    age=False,
    columns=(
        Column("Scope", lambda obj: obj["spec"].get("scope", ""), description="Cluster/Namespaced"),
        Column("Versions", _versions, description="Served versions"),
        Column(
            "Created At",
            lambda obj: obj["metadata"].get("creationTimestamp"),
            type="date",
            description="When it was made.",
        ),
        Column("Group", lambda obj: obj["spec"].get("group", ""), description="API group", priority=1),
        Column("Kind", lambda obj: obj["spec"]["names"].get("kind", ""), description="CustomResource kind", priority=1),
        Column(
            "ShortNames",
            lambda obj: ",".join(obj["spec"]["names"].get("shortNames") or ()),
            description="Short names",
            priority=1,
        ),
        Column(
            "Established",
            lambda obj: metadata.is_true(obj, "Established"),
            type="boolean",
            description="Established status",
            priority=1,
        ),
    ),
)
