"""Pod templates and the selectors that must match them: what workloads share.

Source: k8s.io/kubernetes pkg/apis/apps/validation/validation.go, pkg/apis/core/validation/validation.go
(ValidatePodTemplateSpec).
"""

from __future__ import annotations

from wherry.apiserver.kinds.common import labelselector, objectmeta
from wherry.apiserver.kinds.core.pods import podspec
from wherry.objects import Object, fields, selectors
from wherry.objects.errors import BadRequest, FieldError


def default(spec: Object) -> None:
    """Fill in the template of a workload's spec."""
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    podspec.default(template.setdefault("spec", {}))


def labels(spec: Object) -> dict[str, str]:
    """Return the labels of a workload's template."""
    found: dict[str, str] = ((spec.get("template") or {}).get("metadata") or {}).get("labels") or {}
    return found


def validate(path: str, spec: Object, noun: str) -> list[FieldError]:
    """Check selector and template of a spec at `path` whose pods run forever; messages call it `noun` (deployment)."""
    selector = spec.get("selector")
    errors = []
    if selector is None and noun != "daemonset":  # upstream leaves a DaemonSet's to the labels that then do not match
        errors.append(fields.required(f"{path}.selector"))
    errors += labelselector.validate(f"{path}.selector", selector)
    if selector is not None and labelselector.is_empty(selector):
        errors.append(fields.invalid(f"{path}.selector", selector, f"empty selector is invalid for {noun}"))
    try:
        errors += unmatched(path, spec)
    except BadRequest:
        return [*errors, fields.invalid(f"{path}.selector", selector, "invalid label selector")]
    template = spec.get("template") or {}
    return errors + validate_template(f"{path}.template", template) + runs_forever(f"{path}.template", template, noun)


def unmatched(path: str, spec: Object) -> list[FieldError]:
    """Check that the selector of a spec at `path` selects its template; raises `BadRequest` for one that is none."""
    if selectors.from_object(spec.get("selector")).matches(labels(spec)):
        return []
    text = "`selector` does not match template `labels`"
    # A missing map prints as null.
    return [fields.invalid(f"{path}.template.metadata.labels", labels(spec) or None, text)]


def validate_template(path: str, template: Object) -> list[FieldError]:
    """Check a template, whatever its pods are for."""
    meta, spec = template.get("metadata") or {}, template.get("spec") or {}
    errors = [
        *objectmeta.validate_labels(f"{path}.labels", meta.get("labels") or {}),
        *objectmeta.validate_annotations(f"{path}.annotations", meta.get("annotations") or {}),
        *podspec.validate(f"{path}.spec", spec),
    ]
    if spec.get("ephemeralContainers"):
        text = "ephemeral containers not allowed in pod template"
        errors.append(fields.forbidden(f"{path}.spec.ephemeralContainers", text))
    return errors


_OWNERS = {"daemonset": "DaemonSet", "statefulset": "StatefulSet", "replicationcontroller": "ReplicationController"}


def runs_forever(path: str, template: Object, noun: str) -> list[FieldError]:
    """Check a template whose pods never end by themselves; `noun` as in `validate`."""
    spec = template.get("spec") or {}
    errors = []
    if (policy := spec.get("restartPolicy")) in ("OnFailure", "Never"):
        errors.append(fields.not_supported(f"{path}.spec.restartPolicy", policy, ("Always",)))
    if spec.get("activeDeadlineSeconds") is not None:
        text = f"activeDeadlineSeconds in {_OWNERS.get(noun, 'ReplicaSet')} is not Supported"
        errors.append(fields.forbidden(f"{path}.spec.activeDeadlineSeconds", text))
    return errors
