"""Taints of nodes and tolerations of pods.

Source: k8s.io/kubernetes pkg/apis/core/validation/validation.go (ValidateTolerations, validateNodeTaints,
validateOnlyAddedTolerations), plugin/pkg/admission/defaulttolerationseconds/admission.go,
pkg/util/tolerations/tolerations.go.
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.apiserver.kinds.common import checks
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.meaning.wellknown import NOT_READY, UNREACHABLE

EFFECTS = ("NoSchedule", "PreferNoSchedule", "NoExecute")
NODE_TROUBLES = (NOT_READY, UNREACHABLE)
"""The taints of a node in trouble, which every pod tolerates for `TOLERATED_SECONDS` unless it says otherwise."""
TOLERATED_SECONDS = 300


def tolerate_node_troubles(spec: Object) -> None:
    """Give a new pod the tolerations every pod has."""
    given = spec.get("tolerations") or []
    added = [
        {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": TOLERATED_SECONDS}
        for key in NODE_TROUBLES
        if not any(t.get("key", "") in (key, "") and t.get("effect", "") in ("NoExecute", "") for t in given)
    ]
    if added:
        spec["tolerations"] = [*given, *added]


def merged(first: Sequence[Object], second: Sequence[Object]) -> list[Object]:
    """Return both lists of tolerations as one, without those that another one makes needless."""
    every, kept = [*first, *second], list[Object]()
    for i, one in enumerate(every):
        # Of equal ones the first is kept.
        if not any(_covers(other, one) for other in kept) and not any(
            other != one and _covers(other, one) for other in every[i + 1 :]
        ):
            kept.append(one)
    return kept


def _covers(wide: Object, narrow: Object) -> bool:
    """Return whether `wide` tolerates all that `narrow` does."""
    key, exists = wide.get("key") or "", wide.get("operator") == "Exists"
    if narrow == wide:
        return True
    if (narrow.get("key") or "") != key and (key or not exists):
        return False
    if wide.get("effect") and narrow.get("effect") != wide["effect"]:
        return False
    if wide.get("effect") == "NoExecute" and (longest := wide.get("tolerationSeconds")) is not None:
        seconds = narrow.get("tolerationSeconds")
        if seconds is None or seconds > longest:
            return False
    if exists:
        return True
    return narrow.get("operator") in (None, "", "Equal") and (narrow.get("value") or "") == (wide.get("value") or "")


def validate_taints(path: str, taints: Sequence[Object]) -> list[FieldError]:
    """Check a node's taints; key and effect together must be unique."""
    errors, seen = [], set()
    for i, taint in enumerate(taints):
        here, key, effect = f"{path}[{i}]", taint.get("key") or "", taint.get("effect")
        errors += checks.named(f"{here}.key", key, names.label_key)
        if messages := names.label_value(taint.get("value") or ""):
            errors.append(fields.invalid(f"{here}.value", taint["value"], ";".join(messages)))
        errors += checks.one_of(f"{here}.effect", effect, EFFECTS)
        if (key, effect) in seen:
            twice = fields.duplicate(here, taint)
            text = f"{twice.detail}: taints must be unique by key and effect pair"
            errors.append(FieldError(twice.type, here, text))
        seen.add((key, effect))
    return errors


def validate_tolerations(path: str, tolerations: Sequence[Object]) -> list[FieldError]:
    """Check a pod's tolerations."""
    return [error for i, t in enumerate(tolerations) for error in _toleration(f"{path}[{i}]", t)]


def _toleration(path: str, toleration: Object) -> list[FieldError]:
    key, operator = toleration.get("key") or "", toleration.get("operator") or ""
    value, effect = toleration.get("value") or "", toleration.get("effect") or ""
    errors = checks.named(f"{path}.key", key, names.label_key) if key else []
    if not key and operator != "Exists":
        text = 'operator must be Exists when `key` is empty, which means "match all values and all keys"'
        errors.append(fields.invalid(f"{path}.operator", operator, text))
    if toleration.get("tolerationSeconds") is not None and effect != "NoExecute":
        text = "effect must be 'NoExecute' when `tolerationSeconds` is set"
        errors.append(fields.invalid(f"{path}.effect", effect, text))
    errors += _operator(f"{path}.operator", operator, value)
    if effect:
        errors += checks.one_of(f"{path}.effect", effect, EFFECTS)
    return errors


def _operator(path: str, operator: str, value: str) -> list[FieldError]:
    if operator in ("", "Equal"):
        messages = names.label_value(value)
        return [fields.invalid(path, value, ";".join(messages))] if messages else []
    if operator == "Exists":
        return [fields.invalid(path, value, "value must be empty when `operator` is 'Exists'")] if value else []
    return [fields.not_supported(path, operator, ("Equal", "Exists"))]


def validate_added(path: str, new: Sequence[Object], old: Sequence[Object]) -> list[FieldError]:
    """Check that an update of a pod only adds tolerations (or changes how long one lasts)."""
    kept = [{k: v for k, v in t.items() if k != "tolerationSeconds"} for t in new]
    for toleration in old:
        if {k: v for k, v in toleration.items() if k != "tolerationSeconds"} not in kept:
            text = "existing toleration can not be modified except its tolerationSeconds"
            return [fields.forbidden(path, text)]
    return validate_tolerations(path, new)
