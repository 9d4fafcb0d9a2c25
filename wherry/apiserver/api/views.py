"""Parts of an object that are read and written on their own (`/status`, `/scale`, `/finalize`), and the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wherry.apiserver.catalog import Served
from wherry.apiserver.kind import Kind
from wherry.objects import Object, definitions, schema, selectors
from wherry.objects.definitions import Type
from wherry.objects.errors import BadRequest
from wherry.objects.resource import Resource

SCALE = Resource("autoscaling", "v1", "scale", "Scale")


def _same(obj: Object) -> Object:
    return obj


def _of_the_object(served: Served, config: Object) -> Object:
    return config


def _replace(obj: Object, new: Object) -> Object:
    return new


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """`read` shows an object through the view; `write(obj, shown)` returns the object with what was shown changed.

    `applied(kind, config)` returns a configuration applied through the view as one of the object itself.
    `resource` is the kind the view speaks (None: the object's own); `part` is what may change, for `Registry.modify`.
    """

    name: str
    resource: Resource | None = None
    part: str = ""
    read: Callable[[Object], Object] = _same
    write: Callable[[Object, Object], Object] = _replace
    applied: Callable[[Served, Object], Object] = _of_the_object
    verbs: tuple[str, ...] = ("get", "patch", "update")

    def type_of(self, served: Served) -> Type | None:
        """Return what is read and written through the view looks like."""
        shown = self.resource
        return definitions.of_kind((shown.group, shown.version, shown.kind)) if shown else served.type


def _read_scale(obj: Object) -> Object:
    """Return the autoscaling/v1 Scale of a workload."""
    spec, status, metadata = obj.get("spec") or {}, obj.get("status") or {}, obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    scale: Object = {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {k: metadata[k] for k in kept if k in metadata},
        "spec": {"replicas": spec.get("replicas", 0)},
        "status": {"replicas": status.get("replicas", 0)},
    }
    if spec.get("selector"):
        scale["status"]["selector"] = str(selectors.from_object(spec["selector"]))
    return scale


def _write_scale(obj: Object, scale: Object) -> Object:
    scale = schema.typed(scale, (SCALE.group, SCALE.version, SCALE.kind))[0]
    metadata = dict(obj["metadata"])
    for key in ("resourceVersion", "uid"):
        if given := (scale.get("metadata") or {}).get(key):
            metadata[key] = given
    spec = {**obj["spec"], "replicas": (scale.get("spec") or {}).get("replicas", 0)}
    return {**obj, "metadata": metadata, "spec": spec}


def _apply_scale(served: Served, config: Object) -> Object:
    """Return what a Scale that is applied says of a workload; raises `BadRequest` for what is no Scale."""
    gvk = (SCALE.group, SCALE.version, SCALE.kind)
    if definitions.gvk_of(config) != gvk:
        raise BadRequest(f"invalid object type: what is applied must be a {SCALE.kind} of {SCALE.api_version}")
    scale = schema.typed(config, gvk, strict=True)[0]
    resource = served.resource
    applied: Object = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": scale.get("metadata") or {},
    }
    if "replicas" in (config.get("spec") or {}):
        applied["spec"] = {"replicas": scale["spec"].get("replicas", 0)}
    return applied


PLAIN = View(name="")
STATUS = View(name="status", part="status")
FINALIZE = View(name="finalize", part="spec", verbs=("update",))
SCALED = View(name="scale", resource=SCALE, read=_read_scale, write=_write_scale, applied=_apply_scale)


def views(kind: Kind) -> list[View]:
    """Return the subresources of a kind that are views."""
    found = []
    if kind.has_status:
        found.append(STATUS)
    if kind.scale:
        found.append(SCALED)
    if kind.held is not None:
        found.append(FINALIZE)
    return found
