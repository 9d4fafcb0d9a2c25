"""Node (core/v1).

Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go (SetDefaults_NodeStatus), pkg/apis/core/validation/validation.go
(ValidateNode, ValidateNodeUpdate), pkg/printers/internalversion/printers.go (printNode).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from wherry.apiserver.kind import Column, Kind
from wherry.apiserver.kinds.common import ages, cells, checks
from wherry.apiserver.kinds.core import resourcelist, taints
from wherry.objects import Object, fields, metadata
from wherry.objects.errors import FieldError
from wherry.objects.family import family_of
from wherry.objects.meaning import nodes
from wherry.objects.meaning.wellknown import OLD_ROLE, ROLE_PREFIX
from wherry.objects.resource import NODES


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    if spec.get("podCIDR") and not spec.get("podCIDRs"):
        spec["podCIDRs"] = [spec["podCIDR"]]
    elif spec.get("podCIDRs"):
        spec["podCIDR"] = spec["podCIDRs"][0]
    status = obj.setdefault("status", {})
    for key in ("capacity", "allocatable"):
        resourcelist.round_up(status.get(key))
    if status.get("capacity") and not status.get("allocatable"):
        status["allocatable"] = dict(status["capacity"])


def _validate(obj: Object) -> list[FieldError]:
    spec, status = obj["spec"], obj["status"]
    errors = taints.validate_taints("metadata.taints", spec.get("taints") or ())
    for key in ("capacity", "allocatable"):
        for name, value in (status.get(key) or {}).items():
            errors += resourcelist.validate_amount(f"status.{key}.{name}", name, value)
    return [*errors, *_pod_ranges(spec.get("podCIDRs") or ()), *_addresses(status.get("addresses") or ())]


def _pod_ranges(ranges: Sequence[str]) -> Iterator[FieldError]:
    for i, network in enumerate(ranges):
        yield from checks.cidr(f"spec.podCIDRs[{i}]", network)
    if len(ranges) > 2 or len({family_of(network) for network in ranges}) < len(ranges):
        yield fields.invalid("spec.podCIDRs", list(ranges), "may specify no more than one CIDR for each IP family")


def _addresses(addresses: Sequence[Object]) -> Iterator[FieldError]:
    """Check a node's addresses: nobody's agent can make a route or a rule of an IP that is none, or listed twice."""
    for i, address in enumerate(addresses):
        path, kind = f"status.addresses[{i}]", address.get("type") or ""
        if kind.endswith("IP"):
            yield from checks.ip(f"{path}.address", address.get("address") or "")
        if address in addresses[:i]:
            yield fields.duplicate(path, address)


def _validate_update(new: Object, old: Object) -> list[FieldError]:
    now, was = new["spec"], old.get("spec") or {}
    errors = []
    if was.get("podCIDRs") and now.get("podCIDRs") != was["podCIDRs"]:
        text = 'node updates may not change podCIDR except from "" to valid'
        errors.append(fields.forbidden("spec.podCIDRs", text))
    if was.get("providerID") and now.get("providerID") != was["providerID"]:
        text = 'node updates may not change providerID except from "" to valid'
        errors.append(fields.forbidden("spec.providerID", text))
    return errors


def _status(obj: Object) -> str:
    ready = metadata.condition(obj, "Ready")
    words = ["Unknown" if ready is None else "Ready" if ready.get("status") == "True" else "NotReady"]
    if nodes.is_cordoned(obj):
        words.append("SchedulingDisabled")
    return ",".join(words)


def _roles(obj: Object) -> str:
    roles = set()
    for key, value in metadata.labels(obj).items():
        if key.startswith(ROLE_PREFIX):
            roles.add(key.removeprefix(ROLE_PREFIX))
        elif key == OLD_ROLE:
            roles.add(value)
    return ",".join(sorted(roles - {""})) or cells.NONE


def _address(kind: str) -> Callable[[Object], str]:
    return lambda obj: next(iter(nodes.addresses(obj, kind)), cells.NONE)


def _info(key: str) -> Callable[[Object], str]:
    return lambda obj: cells.text(obj, "status", "nodeInfo", key) or "<unknown>"


NODE = Kind(
    resource=NODES,
    short_names=("no",),
    default=_default,
    validate=_validate,
    validate_update=_validate_update,
    has_status=True,
    age=False,
    columns=(
        Column("Status", _status),
        Column("Roles", _roles),
        Column("Age", ages.of),
        Column("Version", lambda obj: cells.text(obj, "status", "nodeInfo", "kubeletVersion")),
        Column("Internal-IP", _address("InternalIP"), priority=1),
        Column("External-IP", _address("ExternalIP"), priority=1),
        Column("OS-Image", _info("osImage"), priority=1),
        Column("Kernel-Version", _info("kernelVersion"), priority=1),
        Column("Container-Runtime", _info("containerRuntimeVersion"), priority=1),
    ),
    fields={"spec.unschedulable": lambda obj: str(nodes.is_cordoned(obj)).lower()},
)
