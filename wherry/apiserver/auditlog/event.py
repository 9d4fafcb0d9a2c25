"""What is told of a request at a stage: an Event (audit.k8s.io/v1).

Source: apiserver pkg/apis/audit/v1 types.go, pkg/audit/request.go (what is told at which level),
plugin/pkg/audit/truncate (what is too large).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from wherry.apiserver.access.attributes import Attributes
from wherry.objects import Object

LARGEST = 10 << 20
"""Bytes of an event with the objects it carries."""
TRUNCATED = "audit.k8s.io/truncated"


def object_ref(asked: Attributes, obj: Object | None) -> Object | None:
    """Return what a request is about; None for a URL. `obj`, which it carries, may tell the name."""
    if asked.path:
        return None
    metadata = (obj or {}).get("metadata")
    own: Mapping[str, Any] = metadata if isinstance(metadata, dict) else {}
    told = {
        "resource": asked.plural,
        "namespace": asked.namespace or own.get("namespace"),
        "name": asked.name or own.get("name"),
        "uid": own.get("uid"),
        "apiGroup": asked.group,
        "apiVersion": asked.version,
        "resourceVersion": own.get("resourceVersion"),
        "subresource": asked.subresource,
    }
    return {key: value for key, value in told.items() if value}


def response_status(code: int, answered: Object | None) -> Object:
    """Return how it ended; a Status that was answered says why."""
    if answered is None or answered.get("kind") != "Status":
        return {"metadata": {}, "code": code}
    told = {key: answered[key] for key in ("status", "message", "reason", "details") if answered.get(key)}
    return {"metadata": {}, **told, "code": code}


def without_managed_fields(obj: Any) -> Any:
    """Return an object, or a list of them, without who set which field."""
    if not isinstance(obj, dict):
        return obj
    metadata = obj.get("metadata")
    if isinstance(metadata, dict) and "managedFields" in metadata:
        obj = {**obj, "metadata": {k: v for k, v in metadata.items() if k != "managedFields"}}
    if isinstance(obj.get("items"), list):
        obj = {**obj, "items": [without_managed_fields(item) for item in obj["items"]]}
    return obj


def encoded(event: Object) -> bytes:
    """Return the line of an event; one that is too large goes without the objects it carries, and says so."""
    line = msgspec.json.encode(event)
    if len(line) > LARGEST:
        left = {key: value for key, value in event.items() if key not in ("requestObject", "responseObject")}
        line = msgspec.json.encode({**left, "annotations": {**(event.get("annotations") or {}), TRUNCATED: "true"}})
    return line + b"\n"
