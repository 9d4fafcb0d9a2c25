"""StatefulSet (apps/v1).

Source: k8s.io/kubernetes pkg/apis/apps/v1/defaults.go, pkg/apis/apps/validation/validation.go,
pkg/printers/internalversion/printers.go (printStatefulSet).
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks, defaults, rollout
from wherry.apiserver.kinds.core.pods import podtemplate, podwarnings
from wherry.apiserver.kinds.core.storage import claimspec
from wherry.objects import Object, fields, names
from wherry.objects.errors import FieldError
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, STATEFUL_SETS

_RETENTION = ("Retain", "Delete")
_RETENTION_KEYS = ("whenDeleted", "whenScaled")
_COUNTERS = ("readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas")
_FIXED = ("selector", "volumeClaimTemplates", "serviceName", "podManagementPolicy")


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    podtemplate.default(spec)
    spec["podManagementPolicy"] = spec.get("podManagementPolicy") or "OrderedReady"
    defaults.fill(spec, replicas=1, revisionHistoryLimit=10)
    _default_strategy(spec)
    retention = spec["persistentVolumeClaimRetentionPolicy"] = spec.get("persistentVolumeClaimRetentionPolicy") or {}
    for key in _RETENTION_KEYS:
        retention[key] = retention.get(key) or "Retain"
    for template in spec.get("volumeClaimTemplates") or ():
        template.update(apiVersion="v1", kind=PERSISTENT_VOLUME_CLAIMS.kind)
        claimspec.default(template)


def _default_strategy(spec: Object) -> None:
    strategy = spec["updateStrategy"] = spec.get("updateStrategy") or {}
    if not strategy.get("type"):
        strategy["type"] = "RollingUpdate"
        strategy["rollingUpdate"] = strategy.get("rollingUpdate") or {}
    if strategy["type"] == "RollingUpdate" and (rolling := strategy.get("rollingUpdate")) is not None:
        defaults.fill(rolling, partition=0, maxUnavailable=1)


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    podwarnings.of_template(new, old, context)
    if old is None:
        new["status"] = {"replicas": 0}


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors = []
    if (policy := spec["podManagementPolicy"]) not in ("OrderedReady", "Parallel"):
        text = "must be 'OrderedReady' or 'Parallel'"
        errors.append(fields.invalid("spec.podManagementPolicy", policy, text))
    errors += _strategy(spec["updateStrategy"])
    for key in _RETENTION_KEYS:
        path = f"spec.persistentVolumeClaimRetentionPolicy.{key}"
        errors += checks.one_of(path, spec["persistentVolumeClaimRetentionPolicy"][key], _RETENTION)
    for i, template in enumerate(spec.get("volumeClaimTemplates") or ()):
        errors += claimspec.validate(f"spec.volumeClaimTemplates[{i}].spec", template.get("spec") or {})
    errors += checks.nonnegative("spec.replicas", spec["replicas"])
    errors += checks.nonnegative("spec.minReadySeconds", spec.get("minReadySeconds"))
    errors += checks.nonnegative("spec.revisionHistoryLimit", spec["revisionHistoryLimit"])
    errors += checks.nonnegative("spec.ordinals.start", (spec.get("ordinals") or {}).get("start"))
    if service := spec.get("serviceName"):
        errors += checks.named("spec.serviceName", service, names.dns_label)
    return errors + podtemplate.validate("spec", _as_pods_have_it(spec), "statefulset")


def _strategy(strategy: Object) -> list[FieldError]:
    path, rolling = "spec.updateStrategy", strategy.get("rollingUpdate")
    if strategy["type"] == "OnDelete":
        if rolling is None:
            return []
        return [fields.invalid(f"{path}.rollingUpdate", rolling, "only allowed for updateStrategy 'RollingUpdate'")]
    if strategy["type"] != "RollingUpdate":
        return [fields.invalid(path, strategy, "must be 'RollingUpdate' or 'OnDelete'")]
    return [] if rolling is None else _rolling(f"{path}.rollingUpdate", rolling)


def _rolling(path: str, rolling: Object) -> list[FieldError]:
    path_of_limit, limit = f"{path}.maxUnavailable", rolling["maxUnavailable"]
    errors = checks.nonnegative(f"{path}.partition", rolling["partition"])
    errors += rollout.validate(path_of_limit, limit)
    if not rollout.number(limit):
        errors.append(fields.invalid(path_of_limit, limit, "cannot be 0"))
    return errors + rollout.at_most_all(path_of_limit, limit)


def _as_pods_have_it(spec: Object) -> Object:
    """Return the spec with its template as the controller completes it: a volume for each claim, names of its own."""
    template, claims = spec.get("template") or {}, spec.get("volumeClaimTemplates") or ()
    pod = {k: v for k, v in (template.get("spec") or {}).items() if k not in ("subdomain", "hostname")}
    if claims:
        claimed = {(c.get("metadata") or {}).get("name", "") for c in claims}
        own = [v for v in pod.get("volumes") or () if v.get("name") not in claimed]
        pod["volumes"] = [{"name": n, "persistentVolumeClaim": {"claimName": n}} for n in sorted(claimed)] + own
    return {**spec, "template": {**template, "spec": pod}}


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    errors = [e for k in _FIXED for e in checks.immutable(f"spec.{k}", new["spec"].get(k), old["spec"].get(k))]
    return errors + _counters(new.get("status") or {}, old.get("status") or {})


def _counters(status: Object, before: Object) -> list[FieldError]:
    replicas = status.get("replicas") or 0
    errors = checks.nonnegative("status.replicas", replicas)
    for key in _COUNTERS:
        count = status.get(key) or 0
        errors += checks.nonnegative(f"status.{key}", count)
        if count > replicas:
            errors.append(fields.invalid(f"status.{key}", count, "cannot be greater than status.replicas"))
    available = status.get("availableReplicas") or 0
    if available > (status.get("readyReplicas") or 0):
        errors.append(
            fields.invalid("status.availableReplicas", available, "cannot be greater than status.readyReplicas")
        )
    if (count := status.get("collisionCount") or 0) < (before.get("collisionCount") or 0):
        errors.append(fields.invalid("status.collisionCount", count, "cannot be decremented"))
    return errors


def _ready(obj: Object) -> str:
    return f"{cells.status(obj, 'readyReplicas')}/{(obj.get('spec') or {}).get('replicas') or 0}"


STATEFUL_SET = Kind(
    resource=STATEFUL_SETS,
    short_names=("sts",),
    categories=("all",),
    name_pattern="dns-label",
    default=_default,
    prepare=_prepare,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    scale=True,
    generation=True,
    columns=(Column("Ready", _ready), *cells.TEMPLATE_COLUMNS[:2]),
)
