"""Probes and lifecycle handlers of a container.

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_Probe, SetDefaults_HTTPGetAction),
pkg/apis/core/validation/validation.go (validateProbe, validateHandler).
"""

from __future__ import annotations

import re

from wherry.apiserver.kinds.common import checks
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError

PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
_DEFAULTS = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
_COUNTS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_header_name = re.compile(r"[-A-Za-z0-9]+")
_HEADER_RULE = (
    "a valid HTTP header must consist of alphanumeric characters or '-' (e.g. 'X-Header-Name', "
    "regex used for validation is '[-A-Za-z0-9]+')"
)


def default(container: Object) -> None:
    """Fill in the probes and lifecycle handlers of a container."""
    for name in PROBES:
        if probe := container.get(name):
            for key, value in _DEFAULTS.items():
                probe[key] = probe.get(key) or value
            _default_handler(probe)
    for handler in (container.get("lifecycle") or {}).values():
        _default_handler(handler)


def _default_handler(handler: Object) -> None:
    if (http := handler.get("httpGet")) is not None:
        http["path"] = http.get("path") or "/"
        http["scheme"] = http.get("scheme") or "HTTP"
    if (grpc := handler.get("grpc")) is not None:
        grpc.setdefault("service", "")


def validate(path: str, container: Object, grace: int | None) -> list[FieldError]:
    """Check the probes and lifecycle handlers of a container; `grace` is the pod's grace period in seconds."""
    errors = []
    for name, handler in (container.get("lifecycle") or {}).items():
        errors += _handler(f"{path}.lifecycle.{name}", handler, grace)
    for name in PROBES:
        if (probe := container.get(name)) is not None:
            errors += _probe(f"{path}.{name}", probe, grace)
            errors += (
                _readiness(f"{path}.{name}", probe) if name == "readinessProbe" else _once(f"{path}.{name}", probe)
            )
    return errors


def _once(path: str, probe: Object) -> list[FieldError]:
    threshold = probe.get("successThreshold") or 0
    return [] if threshold == 1 else [fields.invalid(f"{path}.successThreshold", threshold, "must be 1")]


def _readiness(path: str, probe: Object) -> list[FieldError]:
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is None:
        return []
    return [fields.invalid(f"{path}.terminationGracePeriodSeconds", seconds, "must not be set for readinessProbes")]


def _probe(path: str, probe: Object, grace: int | None) -> list[FieldError]:
    errors = _handler(path, probe, grace)
    for key in _COUNTS:
        errors += checks.nonnegative(f"{path}.{key}", probe.get(key))
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is not None and seconds <= 0:
        errors.append(fields.invalid(f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than 0"))
    return errors


def _handler(path: str, handler: Object, grace: int | None) -> list[FieldError]:
    errors: list[FieldError] = []
    given = [name for name in ("exec", "httpGet", "tcpSocket", "grpc", "sleep") if handler.get(name) is not None]
    if not given:
        return [fields.required(path, "must specify a handler type")]
    first, *more = given
    errors += _action(f"{path}.{first}", first, handler[first], grace)
    return errors + [fields.forbidden(f"{path}.{name}", "may not specify more than 1 handler type") for name in more]


def _action(path: str, kind: str, action: Object, grace: int | None) -> list[FieldError]:
    if kind == "exec":
        return [] if action.get("command") else [fields.required(f"{path}.command")]
    if kind == "httpGet":
        return _http(path, action)
    if kind == "sleep":
        seconds = action.get("seconds") or 0
        if grace is None or 0 <= seconds <= grace:
            return []
        text = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        return [fields.invalid(path, seconds, text)]
    return checks.port_or_name(f"{path}.port", action.get("port"))


def _http(path: str, action: Object) -> list[FieldError]:
    errors = [] if action.get("path") else [fields.required(f"{path}.path")]
    errors += checks.port_or_name(f"{path}.port", action.get("port"))
    if (scheme := action.get("scheme")) not in ("HTTP", "HTTPS"):
        errors.append(fields.not_supported(f"{path}.scheme", scheme or "", ("HTTP", "HTTPS")))
    for header in action.get("httpHeaders") or ():
        if not _header_name.fullmatch(header.get("name") or ""):
            errors.append(fields.invalid(f"{path}.httpHeaders", header.get("name") or "", _HEADER_RULE))
    return errors
