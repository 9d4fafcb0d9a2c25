"""NetworkPolicy (networking.k8s.io/v1): which packets pods may send and get. Nodes enforce it: `wherry/networkpolicy/`.

Source: k8s.io/kubernetes pkg/apis/networking/v1/defaults.go, pkg/apis/networking/validation/validation.go
(ValidateNetworkPolicySpec), pkg/printers/internalversion/printers.go (printNetworkPolicy).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common import cells, checks, defaults, labelselector
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import NETWORK_POLICIES

_RULES = {"ingress": "from", "egress": "to"}
_TYPES = ("Egress", "Ingress")


def _default(obj: Object) -> None:
    spec = obj["spec"] = obj.get("spec") or {}
    defaults.fill(spec, podSelector={})
    if not spec.get("policyTypes"):
        spec["policyTypes"] = ["Ingress", "Egress"] if spec.get("egress") else ["Ingress"]
    for direction in _RULES:
        for rule in spec.get(direction) or ():
            for port in rule.get("ports") or ():
                defaults.fill(port, protocol="TCP")


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    if old is not None and new["spec"] == old["spec"]:
        return
    spec = new["spec"]
    for direction in _RULES:
        if spec.get(direction) and direction.capitalize() not in spec["policyTypes"]:
            kind = direction.capitalize()
            context.warn(f"spec.{direction}: the rules are not heeded, as spec.policyTypes lacks {kind}")


def _validate(obj: Object) -> list[FieldError]:
    spec = obj["spec"]
    errors = labelselector.validate("spec.podSelector", spec["podSelector"])
    for direction, peers in _RULES.items():
        for i, rule in enumerate(spec.get(direction) or ()):
            errors += _rule(f"spec.{direction}[{i}]", rule, peers)
    types = spec["policyTypes"]
    if len(types) > len(_TYPES):
        return [*errors, fields.invalid("spec.policyTypes", types, "may not specify more than two policyTypes")]
    for i, value in enumerate(types):
        if value not in _TYPES:
            errors.append(fields.not_supported(f"spec.policyTypes[{i}]", value, _TYPES))
    return errors


def _rule(path: str, rule: Object, peers: str) -> Iterable[FieldError]:
    for i, port in enumerate(rule.get("ports") or ()):
        yield from _port(f"{path}.ports[{i}]", port)
    for i, peer in enumerate(rule.get(peers) or ()):
        yield from _peer(f"{path}.{peers}[{i}]", peer)


def _port(path: str, entry: Object) -> Iterable[FieldError]:
    port, last = entry.get("port"), entry.get("endPort")
    if entry["protocol"] not in checks.PROTOCOLS:
        yield fields.not_supported(f"{path}.protocol", entry["protocol"], checks.PROTOCOLS)
    if port is not None:
        yield from checks.port_or_name(f"{path}.port", port)
    if last is None:
        return
    if port is None:
        yield fields.required(f"{path}.port", "must be specified when `endPort` is specified")
    elif isinstance(port, str):
        yield fields.invalid(f"{path}.endPort", last, "may not be specified when `port` is non-numeric")
    elif last < port:
        yield fields.invalid(f"{path}.endPort", last, "must be greater than or equal to `port`")
    else:
        yield from checks.port(f"{path}.endPort", last)


def _peer(path: str, peer: Object) -> Iterable[FieldError]:
    chosen = [key for key in ("podSelector", "namespaceSelector", "ipBlock") if peer.get(key) is not None]
    for key in ("podSelector", "namespaceSelector"):
        yield from labelselector.validate(f"{path}.{key}", peer.get(key))
    if "ipBlock" in chosen:
        yield from _block(f"{path}.ipBlock", peer["ipBlock"])
        if len(chosen) > 1:
            yield fields.forbidden(path, "may not specify both ipBlock and another peer")
    if not chosen:
        yield fields.required(path, "must specify a peer")


def _block(path: str, block: Object) -> Iterable[FieldError]:
    whole = block.get("cidr") or ""
    if not whole:
        yield fields.required(f"{path}.cidr")
        return
    if errors := checks.cidr(f"{path}.cidr", whole):
        yield from errors
        return
    for i, value in enumerate(block.get("except") or ()):
        here = f"{path}.except[{i}]"
        if errors := checks.cidr(here, value):
            yield from errors
        elif not _is_within(value, whole):
            yield fields.invalid(here, value, "must be a strict subset of `cidr`")


def _is_within(part: str, whole: str) -> bool:
    inner, outer = (ipaddress.ip_network(text, strict=False) for text in (part, whole))
    return inner.version == outer.version and inner.prefixlen > outer.prefixlen and inner[0] in outer


NETWORK_POLICY = Kind(
    resource=NETWORK_POLICIES,
    short_names=("netpol",),
    default=_default,
    prepare=_prepare,
    validate=_validate,
    generation=True,
    columns=(Column("Pod-Selector", lambda obj: cells.selector((obj.get("spec") or {}).get("podSelector"))),),
)
