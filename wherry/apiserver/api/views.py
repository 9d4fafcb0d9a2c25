"""Parts of an object that are read and written on their own (`/status`, `/scale`, `/finalize`), and the whole."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from wherry.apiserver.catalog import Served
from wherry.apiserver.kind import Described, Kind, ScalePaths
from wherry.objects import Object, definitions, schema
from wherry.objects.errors import BadRequest
from wherry.objects.meaning import workloads
from wherry.objects.resource import Resource
from wherry.objects.structural.paths import get, put

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

    def type_of(self, served: Served) -> Described | None:
        """Return what is read and written through the view looks like."""
        shown = self.resource
        return definitions.of_kind((shown.group, shown.version, shown.kind)) if shown else served.type


def _read_scale(paths: ScalePaths, obj: Object) -> Object:
    """Return the autoscaling/v1 Scale of a workload."""
    metadata = obj["metadata"]
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    scale: Object = {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {k: metadata[k] for k in kept if k in metadata},
        "spec": {"replicas": _count(obj, paths.spec)},
        "status": {"replicas": _count(obj, paths.status)},
    }
    if selector := get(obj, paths.selector):
        scale["status"]["selector"] = str(workloads.selector(obj)) if paths.is_object else selector
    return scale


def _count(obj: Object, path: str) -> int:
    found = get(obj, path)
    return found if isinstance(found, int) else 0


def _write_scale(paths: ScalePaths, obj: Object, scale: Object) -> Object:
    scale = schema.typed(scale, (SCALE.group, SCALE.version, SCALE.kind))[0]
    metadata = dict(obj["metadata"])
    for key in ("resourceVersion", "uid"):
        if given := (scale.get("metadata") or {}).get(key):
            metadata[key] = given
    return put({**obj, "metadata": metadata}, paths.spec, (scale.get("spec") or {}).get("replicas", 0))


def _apply_scale(paths: ScalePaths, served: Served, config: Object) -> Object:
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
        return put(applied, paths.spec, scale["spec"].get("replicas", 0))
    return applied


PLAIN = View(name="")
STATUS = View(name="status", part="status")
FINALIZE = View(name="finalize", part="spec", verbs=("update",))


def _scaled(paths: ScalePaths) -> View:
    return View(
        name="scale",
        resource=SCALE,
        read=partial(_read_scale, paths),
        write=partial(_write_scale, paths),
        applied=partial(_apply_scale, paths),
    )


def views(kind: Kind) -> list[View]:
    """Return the subresources of a kind that are views."""
    found = []
    if kind.has_status:
        found.append(STATUS)
    found += [View(name=name, part=name) for name in (*kind.spec_parts, *kind.part_merges, *kind.status_parts)]
    if kind.scale:
        found.append(_scaled(kind.scale_paths))
    if kind.held is not None:
        found.append(FINALIZE)
    return found
