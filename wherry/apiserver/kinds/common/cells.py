"""Pieces of table cells that several kinds print.

Source: k8s.io/kubernetes pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from wherry.apiserver.kind import Column
from wherry.objects import Object, selectors
from wherry.objects.errors import BadRequest
from wherry.objects.meaning.services import balancers

NONE = "<none>"


def labels(value: Mapping[str, str] | None) -> str:
    """Return `a=b,c=d` by key, `<none>` where there are none."""
    return ",".join(f"{k}={v}" for k, v in sorted((value or {}).items())) or NONE


def selector(value: Object | None) -> str:
    """Return a `metav1.LabelSelector` as text."""
    try:
        return str(selectors.from_object(value)) or NONE
    except BadRequest:
        return "<error>"


def container_names(spec: Object) -> str:
    """Return the names of a pod spec's containers."""
    return ",".join(c.get("name", "") for c in spec.get("containers") or ())


def container_images(spec: Object) -> str:
    """Return the images of a pod spec's containers."""
    return ",".join(c.get("image", "") for c in spec.get("containers") or ())


def pod_spec(obj: Object) -> Object:
    """Return the pod spec of a workload's template."""
    spec: Object = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
    return spec


def status(obj: Object, key: str) -> Any:
    """Return a counter of the status, 0 where it is not there."""
    return (obj.get("status") or {}).get(key) or 0


def load_balancer(obj: Object, width: int = 16) -> str:
    """Return the addresses in `status.loadBalancer`, cut to `width` characters (0: whole)."""
    found = {entry.get("ip") or entry.get("hostname") or "" for entry in balancers(obj)}
    text = ",".join(sorted(found - {""}))
    return f"{text[: width - 3]}..." if width and len(text) > width else text


def text(obj: Object, *path: str) -> str:
    """Return the field at `path` as text, "" where it is not there."""
    value: Any = obj
    for key in path:
        value = (value or {}).get(key)
    return "" if value is None else str(value)


def first(items: Sequence[str], count: int) -> str:
    """Return the first `count` items, and how many more there are."""
    shown = ",".join(items[:count])
    return f"{shown} + {len(items) - count} more..." if len(items) > count else shown


TEMPLATE_COLUMNS = (
    Column("Containers", lambda obj: container_names(pod_spec(obj)), priority=1),
    Column("Images", lambda obj: container_images(pod_spec(obj)), priority=1),
    Column("Selector", lambda obj: selector((obj.get("spec") or {}).get("selector")), priority=1),
)
"""What `-o wide` adds for every kind with a pod template."""
