"""PriorityClass (scheduling.k8s.io/v1): a name for a number that says which pods go first.

Source: k8s.io/kubernetes pkg/apis/scheduling/validation/validation.go, plugin/pkg/admission/priority/admission.go,
pkg/printers/internalversion/printers.go (printPriorityClass).
"""

from __future__ import annotations

from collections.abc import Iterable

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import ages, cells, checks
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError, Forbidden
from wherry.objects.meaning.pods import CRITICAL_PRIORITY
from wherry.objects.resource import PRIORITY_CLASSES

HIGHEST_OF_USERS = 1_000_000_000
PREEMPT, NEVER = "PreemptLowerPriority", "Never"
SYSTEM_PREFIX = "system-"
SYSTEM = {"system-cluster-critical": CRITICAL_PRIORITY, "system-node-critical": CRITICAL_PRIORITY + 1000}
"""Kubernetes' own, which every cluster has."""
_WORDS = {
    "system-cluster-critical": "For pods without which the cluster does not work, which may move to another node.",
    "system-node-critical": "For pods without which their node does not work, and which cannot move.",
}


def system_classes() -> list[Object]:
    """Return the classes every cluster has."""
    return [
        {
            "apiVersion": PRIORITY_CLASSES.api_version,
            "kind": PRIORITY_CLASSES.kind,
            "metadata": {"name": name},
            "value": value,
            "description": _WORDS[name],
        }
        for name, value in SYSTEM.items()
    ]


def global_default(classes: Iterable[Object]) -> Object | None:
    """Return the class of pods that name none: of several, which a race can leave, the lowest."""
    return min((c for c in classes if c.get("globalDefault")), key=lambda c: c.get("value") or 0, default=None)


def _default(obj: Object) -> None:
    obj.setdefault("value", 0)
    obj["preemptionPolicy"] = obj.get("preemptionPolicy") or PREEMPT


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    """Refuse a second default."""
    if not new.get("globalDefault"):
        return
    other = global_default(context.list(PRIORITY_CLASSES))
    name = new["metadata"].get("name", "")
    if other is not None and other["metadata"]["name"] != name:
        why = f"PriorityClass {other['metadata']['name']} is already marked as default. Only one default can exist"
        raise Forbidden.of(PRIORITY_CLASSES.plural, name, why, PRIORITY_CLASSES.group)


def _validate(obj: Object) -> list[FieldError]:
    name, value = obj["metadata"].get("name", ""), obj.get("value") or 0
    errors = checks.one_of("preemptionPolicy", obj.get("preemptionPolicy"), (PREEMPT, NEVER))
    if name.startswith(SYSTEM_PREFIX):
        if SYSTEM.get(name) != value:
            known = name in SYSTEM
            why = f"value must be {SYSTEM[name]}" if known else "the name of a user's class cannot begin with it"
            errors.append(fields.forbidden("metadata.name", f"{SYSTEM_PREFIX} is for Kubernetes' own classes: {why}"))
    elif value > HIGHEST_OF_USERS:
        errors.append(
            fields.forbidden("value", f"maximum allowed value of a user defined priority is {HIGHEST_OF_USERS}")
        )
    return errors


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    errors = []
    if new.get("value") != old.get("value"):
        errors.append(fields.forbidden("value", "may not be changed in an update."))
    return errors + checks.immutable("preemptionPolicy", new.get("preemptionPolicy"), old.get("preemptionPolicy"))


PRIORITY_CLASS = Kind(
    resource=PRIORITY_CLASSES,
    short_names=("pc",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    age=False,
    columns=(
        Column("Value", lambda obj: obj.get("value") or 0, "integer"),
        Column("Global-Default", lambda obj: bool(obj.get("globalDefault")), "boolean"),
        Column("Age", ages.of),
        Column("PreemptionPolicy", lambda obj: cells.text(obj, "preemptionPolicy")),
    ),
)
