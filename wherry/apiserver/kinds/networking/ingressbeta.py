"""Ingress v1beta1: `backend` with `serviceName` and `servicePort`, and a path type that may be left out.

Source: k8s.io/kubernetes pkg/apis/networking/v1beta1/conversion.go, defaults.go.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from wherry.apiserver.kind import Conversion
from wherry.objects import Object
from wherry.objects.errors import FieldError

DEFAULT_PATH_TYPE = "ImplementationSpecific"


def to_storage(obj: Object) -> Object:
    """Return a v1beta1 Ingress as v1."""
    return _converted(obj, "backend", "defaultBackend", _backend_to_v1, _path_to_v1)


def from_storage(obj: Object) -> Object:
    """Return a v1 Ingress as v1beta1."""
    return _converted(obj, "defaultBackend", "backend", _backend_to_beta, _path_to_beta)


_FIELDS = (
    ("spec.defaultBackend", "spec.backend"),
    ("`defaultBackend`", "`backend`"),
    (".service.name", ".serviceName"),
    (".service.port.number", ".servicePort"),
    (".service.port.name", ".servicePort"),
)


def error(found: FieldError) -> FieldError:
    """Return an error about a v1 Ingress in the fields of v1beta1."""
    path, detail = found.field, found.detail
    for new, old in _FIELDS:
        path, detail = path.replace(new, old), detail.replace(new, old)
    return FieldError(found.type, path, detail)


CONVERSION = Conversion(to_storage, from_storage, error)

Step = Callable[[Object], Object]


def _converted(obj: Object, old_key: str, new_key: str, backend: Step, path: Step) -> Object:
    if not (spec := obj.get("spec")):
        return dict(obj)
    changed = {key: value for key, value in spec.items() if key != old_key}
    if spec.get(old_key) is not None:
        changed[new_key] = backend(spec[old_key])
    if spec.get("rules"):
        changed["rules"] = [_rule(rule, path) for rule in spec["rules"]]
    return {**obj, "spec": changed}


def _rule(rule: Object, path: Step) -> Object:
    http = rule.get("http")
    if not http:
        return rule
    return {**rule, "http": {**http, "paths": [path(entry) for entry in http.get("paths") or ()]}}


def _path_to_v1(entry: Object) -> Object:
    changed = {**entry, "pathType": entry.get("pathType") or DEFAULT_PATH_TYPE}
    if "backend" in entry:
        changed["backend"] = _backend_to_v1(entry["backend"])
    return changed


def _path_to_beta(entry: Object) -> Object:
    return {**entry, "backend": _backend_to_beta(entry["backend"])} if "backend" in entry else dict(entry)


def _backend_to_v1(backend: Object) -> Object:
    rest = {key: value for key, value in backend.items() if key not in ("serviceName", "servicePort")}
    name, port = backend.get("serviceName"), backend.get("servicePort")
    if not name and not port:
        return rest
    service: dict[str, Any] = {"name": name or ""}
    if port:
        service["port"] = {"name": port} if isinstance(port, str) else {"number": port}
    return {**rest, "service": service}


def _backend_to_beta(backend: Object) -> Object:
    rest = {key: value for key, value in backend.items() if key != "service"}
    if (service := backend.get("service")) is None:
        return rest
    port = service.get("port") or {}
    return {**rest, "serviceName": service.get("name", ""), "servicePort": port.get("name") or port.get("number") or 0}
