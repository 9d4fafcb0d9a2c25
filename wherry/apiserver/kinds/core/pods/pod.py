"""Pod (core/v1).

The account and its token are added by `wherry.apiserver.admission`.
Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_Pod), pkg/registry/core/pod/strategy.go,
pkg/printers/internalversion/printers.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells
from wherry.apiserver.kinds.core import limits, taints
from wherry.apiserver.kinds.core.limitrange import LIMIT_RANGE
from wherry.apiserver.kinds.core.pods import (
    container,
    ephemeral,
    podgeneration,
    podpriority,
    podqos,
    podruntime,
    podspec,
    podstatus,
    podupdate,
    podwarnings,
    resize,
)
from wherry.objects import Object, metadata
from wherry.objects.errors import FieldError
from wherry.objects.meaning.pods import addresses, has_ended
from wherry.objects.resource import PODS

_GATED = {"reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates"}


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    podspec.default(spec)
    if spec.get("enableServiceLinks") is None:
        spec["enableServiceLinks"] = True
    for one in (*(spec.get("initContainers") or ()), *(spec.get("containers") or ())):
        resources = one["resources"]
        if resource_limits := resources.get("limits"):
            resources["requests"] = {**resource_limits, **(resources.get("requests") or {})}
        if spec.get("hostNetwork"):
            for port in one.get("ports") or ():
                port["hostPort"] = port.get("hostPort") or port.get("containerPort")


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is not None:
        if qos := cells.text(old, "status", "qosClass"):
            new.setdefault("status", {}).setdefault("qosClass", qos)  # a node's agent need not repeat it
        podgeneration.keep(new, old)
        if context.subresource == resize.SUBRESOURCE:
            limits.admit(new, context.list(LIMIT_RANGE.resource, new["metadata"]["namespace"]))
        return
    podwarnings.of_pod("spec", new["spec"], None, context)
    limits.admit(new, context.list(LIMIT_RANGE.resource, new["metadata"]["namespace"]))
    podpriority.admit(new, context)
    podruntime.admit(new, context)
    taints.tolerate_node_troubles(new["spec"])
    new["status"] = {"phase": "Pending", "qosClass": podqos.qos_class(new["spec"])}
    if new["spec"].get("schedulingGates"):
        new["status"]["conditions"] = [{"type": "PodScheduled", "status": "False", **_GATED}]


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors = podspec.validate("spec", spec, in_pod=True)
    for key in ("containers", "initContainers"):
        errors += container.validate_image_text(f"spec.{key}", spec.get(key) or ())
    return errors


def _grace_period(obj: Object, asked: int | None) -> int | None:
    """Return the seconds a pod has to end: 0 at once when no node runs it, or it has ended already."""
    spec = obj.get("spec") or {}
    if not spec.get("nodeName") or has_ended(obj):
        return 0
    seconds = spec.get("terminationGracePeriodSeconds") if asked is None else asked
    # A negative period means the shortest one there is.
    return 30 if seconds is None else 1 if seconds < 0 else int(seconds)


def _ip(obj: Object) -> str:
    return next(iter(addresses(obj)), cells.NONE)


def _readiness_gates(obj: Object) -> str:
    gates = (obj.get("spec") or {}).get("readinessGates") or ()
    met = sum(metadata.is_true(obj, g.get("conditionType", "")) for g in gates)
    return f"{met}/{len(gates)}" if gates else cells.NONE


def _spec(obj: Object, key: str) -> str:
    return str((obj.get("spec") or {}).get(key) or "")


def _status(obj: Object, key: str) -> str:
    return str((obj.get("status") or {}).get(key) or "")


POD = Kind(
    resource=PODS,
    short_names=("po",),
    categories=("all",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    check=podupdate.check,
    has_status=True,
    spec_parts={ephemeral.SUBRESOURCE: ephemeral.FIELD},
    part_merges={resize.SUBRESOURCE: resize.MERGE},
    generation=True,
    status_keeps=("ownerReferences",),  # old kubelets corrupted them
    grace_period=_grace_period,
    columns=(
        Column("Ready", lambda obj: podstatus.summarize(obj).ready),
        Column("Status", lambda obj: podstatus.summarize(obj).status),
        Column("Restarts", lambda obj: podstatus.summarize(obj).restarts),
        Column("IP", _ip, priority=1),
        Column("Node", lambda obj: _spec(obj, "nodeName") or cells.NONE, priority=1),
        Column("Nominated Node", lambda obj: _status(obj, "nominatedNodeName") or cells.NONE, priority=1),
        Column("Readiness Gates", _readiness_gates, priority=1),
    ),
    fields={
        "spec.nodeName": lambda obj: _spec(obj, "nodeName"),
        "spec.restartPolicy": lambda obj: _spec(obj, "restartPolicy"),
        "spec.schedulerName": lambda obj: _spec(obj, "schedulerName"),
        "spec.serviceAccountName": lambda obj: _spec(obj, "serviceAccountName"),
        "spec.hostNetwork": lambda obj: "true" if (obj.get("spec") or {}).get("hostNetwork") else "false",
        "status.phase": lambda obj: _status(obj, "phase"),
        "status.podIP": lambda obj: _status(obj, "podIP"),
        "status.nominatedNodeName": lambda obj: _status(obj, "nominatedNodeName"),
    },
)
