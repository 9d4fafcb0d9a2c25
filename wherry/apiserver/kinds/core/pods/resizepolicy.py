"""`resizePolicy`: whether a container goes on or starts again when its resources change.

What is not named goes on (NotRequired). Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go
(validateResizePolicy, validateInitContainers).
"""

from __future__ import annotations

from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.meaning.pods import is_sidecar

RESTART = "RestartContainer"
POLICIES = ("NotRequired", RESTART)
RESOURCES = ("cpu", "memory")


def validate(path: str, container: Object, pod_policy: str | None, *, is_init: bool = False) -> list[FieldError]:
    """Check the policies of a container; `pod_policy` is the pod's restartPolicy. Both words are there."""
    here = f"{path}.resizePolicy"
    errors, seen = [], set()
    for i, entry in enumerate(container.get("resizePolicy") or ()):
        resource, policy = entry.get("resourceName") or "", entry.get("restartPolicy") or ""
        if resource in seen:
            errors.append(fields.duplicate(f"{here}[{i}]", resource))
        seen.add(resource)
        if resource and resource not in RESOURCES:
            errors.append(fields.not_supported(here, resource, RESOURCES))
        if policy and policy not in POLICIES:
            errors.append(fields.not_supported(here, policy, POLICIES))
        if pod_policy == "Never" and policy not in ("", POLICIES[0]):
            errors.append(fields.invalid(here, policy, "must be 'NotRequired' when pod `restartPolicy` is 'Never'"))
        if is_init and policy == RESTART and not is_sidecar(container):
            text = "must not be set to 'RestartContainer' for non-sidecar initContainers"
            errors.append(fields.invalid(f"{here}[{i}].restartPolicy", policy, text))
    return errors
