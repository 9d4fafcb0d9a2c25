"""MutatingWebhookConfiguration and ValidatingWebhookConfiguration (admissionregistration.k8s.io/v1).

Source: kubernetes pkg/apis/admissionregistration: v1/defaults.go, validation/validation.go;
pkg/registry/admissionregistration (strategy.go), pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.admissionregistration import matchconditions, rules
from wherry.apiserver.kinds.common import checks, labelselector, webhookclient
from wherry.apiserver.kinds.common.defaults import fill
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import (
    MUTATING_WEBHOOK_CONFIGURATIONS,
    VALIDATING_WEBHOOK_CONFIGURATIONS,
    Resource,
)

REVIEW_VERSIONS = ("v1", "v1beta1")
_CHOICES = {
    "failurePolicy": ("Fail", "Ignore"),
    "matchPolicy": ("Equivalent", "Exact"),
    "reinvocationPolicy": ("IfNeeded", "Never"),
}
_SIDE_EFFECTS = ("None", "NoneOnDryRun")
_SHORTEST_SECONDS, _LONGEST_SECONDS = 1, 30


def _default(obj: Object) -> None:
    for hook in obj.get("webhooks") or ():
        fill(hook, failurePolicy="Fail", matchPolicy="Equivalent", namespaceSelector={}, objectSelector={})
        fill(hook, timeoutSeconds=10)
        webhookclient.default(hook.get("clientConfig") or {})
        for rule in hook.get("rules") or ():
            fill(rule, scope="*")


def _default_mutating(obj: Object) -> None:
    _default(obj)
    for hook in obj.get("webhooks") or ():
        fill(hook, reinvocationPolicy="Never")


def _validate(obj: Object) -> list[FieldError]:
    errors: list[FieldError] = []
    seen: set[str] = set()
    for i, hook in enumerate(obj.get("webhooks") or ()):
        path, name = f"webhooks[{i}]", hook.get("name") or ""
        errors += _hook(hook, path)
        if name in seen:
            errors.append(fields.duplicate(f"{path}.name", name))
        seen |= {name} if name else set()
    return errors


def _hook(hook: Object, path: str) -> Iterator[FieldError]:
    yield from qualified_name(f"{path}.name", hook.get("name") or "")
    for i, rule in enumerate(hook.get("rules") or ()):
        yield from rules.errors(rule, f"{path}.rules[{i}]")
    for key, allowed in _CHOICES.items():
        if (value := hook.get(key)) is not None and value not in allowed:
            yield fields.not_supported(f"{path}.{key}", value, allowed)
    yield from _side_effects(hook.get("sideEffects"), f"{path}.sideEffects")
    seconds = hook.get("timeoutSeconds")
    if seconds is not None and not _SHORTEST_SECONDS <= seconds <= _LONGEST_SECONDS:
        text = f"the timeout value must be between {_SHORTEST_SECONDS} and {_LONGEST_SECONDS} seconds"
        yield fields.invalid(f"{path}.timeoutSeconds", seconds, text)
    for key in ("namespaceSelector", "objectSelector"):
        yield from labelselector.validate(f"{path}.{key}", hook.get(key))
    yield from webhookclient.errors(hook.get("clientConfig") or {}, f"{path}.clientConfig")
    yield from matchconditions.errors(hook.get("matchConditions") or (), f"{path}.matchConditions")
    yield from _versions(hook.get("admissionReviewVersions") or [], f"{path}.admissionReviewVersions")


def qualified_name(path: str, name: str) -> list[FieldError]:
    """Check a domain of at least three labels (apimachinery pkg/util/validation, IsFullyQualifiedName)."""
    if not name:
        return [fields.required(path)]
    if problems := names.dns_subdomain(name):
        return [fields.invalid(path, name, ",".join(problems))]
    if name.count(".") < 2:
        text = "should be a domain with at least three segments separated by dots"
        return [fields.invalid(path, name, text)]
    return []


def _side_effects(value: str | None, path: str) -> Iterator[FieldError]:
    if value is None:
        yield fields.required(path, f"must specify one of {', '.join(_SIDE_EFFECTS)}")
    elif value not in _SIDE_EFFECTS:
        yield fields.not_supported(path, value, _SIDE_EFFECTS)


def _versions(versions: Sequence[str], path: str) -> Iterator[FieldError]:
    known = ", ".join(REVIEW_VERSIONS)
    if not versions:
        yield fields.required(path, f"must specify one of {known}")
        return
    for i, version in enumerate(versions):
        if version in versions[:i]:
            yield fields.invalid(f"{path}[{i}]", version, "duplicate version")
        else:
            yield from checks.named(f"{path}[{i}]", version, names.service_name)
    if not set(versions) & set(REVIEW_VERSIONS):
        yield fields.invalid(path, list(versions), f"must include at least one of {known}")


def _kind(resource: Resource, default: Callable[[Object], None]) -> Kind:
    return Kind(
        resource=resource,
        categories=("api-extensions",),
        default=default,
        generation=True,
        generation_counts_all=True,
        validate=_validate,
        columns=(Column("Webhooks", lambda obj: len(obj.get("webhooks") or ()), type="integer"),),
    )


MUTATING_WEBHOOK_CONFIGURATION = _kind(MUTATING_WEBHOOK_CONFIGURATIONS, _default_mutating)
VALIDATING_WEBHOOK_CONFIGURATION = _kind(VALIDATING_WEBHOOK_CONFIGURATIONS, _default)
