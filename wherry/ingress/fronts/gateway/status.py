"""What the status of a GatewayClass, Gateway and HTTPRoute is to say. Times of transition are the writer's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from wherry.ingress.fronts.gateway.attachment import Attachment
from wherry.ingress.fronts.gateway.condition import ACCEPTED, PROGRAMMED, RESOLVED, Condition
from wherry.ingress.fronts.gateway.listener import Listener
from wherry.ingress.fronts.gateway.resources import CONTROLLER, FEATURES, GROUP, ROUTES
from wherry.ingress.fronts.gateway.rule import Rule
from wherry.objects import Object
from wherry.objects.family import parsed

Status = dict[str, Any]


def of_class(obj: Object) -> Status:
    """Return a GatewayClass' status."""
    spec = obj.get("spec") or {}
    if spec.get("parametersRef"):
        accepted = Condition(ACCEPTED, False, "InvalidParameters", "parametersRef is not supported")
    else:
        accepted = Condition(ACCEPTED, True, "Accepted", "wherry serves its Gateways")
    return {"conditions": _conditions(obj, [accepted]), "supportedFeatures": [{"name": name} for name in FEATURES]}


def of_gateway(
    obj: Object,
    listeners: Sequence[Listener],
    attached: Mapping[str, int],
    refused: Condition | None,
    addresses: Sequence[str],
) -> Status:
    """Return a Gateway's status; `attached` counts routes by listener, `refused` says why it is not accepted."""
    wrong = [one.name for one in listeners if not (one.open and _resolves(one))]
    accepted = refused or Condition(ACCEPTED, True, "Accepted")
    if wrong and not refused:
        none_left = not any(one.open for one in listeners)
        what = f"see the listeners {', '.join(wrong)}"
        accepted = Condition(ACCEPTED, not none_left, "ListenersNotValid", what)
    if not accepted.status:
        programmed = Condition(PROGRAMMED, False, "Invalid", "it is not accepted")
    elif not addresses:
        programmed = Condition(PROGRAMMED, False, "AddressNotAssigned", "the controller has no address to publish")
    else:
        programmed = Condition(PROGRAMMED, True, "Programmed")
    return {
        "addresses": [{"type": "Hostname" if parsed(a) is None else "IPAddress", "value": a} for a in addresses],
        "conditions": _conditions(obj, [accepted, programmed]),
        "listeners": [_listener(obj, one, attached.get(one.name, 0)) for one in listeners],
    }


def _resolves(one: Listener) -> bool:
    return all(c.status for c in one.conditions if c.type == RESOLVED)


def _listener(obj: Object, one: Listener, attached: int) -> Status:
    programmed = Condition(PROGRAMMED, True, "Programmed")
    if not (one.serves and _resolves(one)):
        programmed = Condition(PROGRAMMED, False, "Invalid", "see its other conditions")
    kinds = [{"group": GROUP, "kind": ROUTES.kind}] if one.takes_routes and one.scheme else []
    return {
        "name": one.name,
        "supportedKinds": kinds,
        "attachedRoutes": attached,
        "conditions": _conditions(obj, [*one.conditions, programmed]),
    }


def is_told(obj: Object) -> bool:
    """Whether an HTTPRoute's status tells of a parent of ours, be it one that it has no more."""
    return any(p.get("controllerName") == CONTROLLER for p in (obj.get("status") or {}).get("parents") or ())


def of_route(obj: Object, attachments: Iterable[Attachment], rules: Sequence[Rule]) -> Status:
    """Return an HTTPRoute's status: its parents of ours, beside those that other controllers tell of."""
    others = [p for p in (obj.get("status") or {}).get("parents") or () if p.get("controllerName") != CONTROLLER]
    mine = [
        {
            "parentRef": dict(one.parent),
            "controllerName": CONTROLLER,
            "conditions": _conditions(obj, [accepted(one, rules), _references(rules)]),
        }
        for one in attachments
    ]
    return {"parents": [*others, *mine]}


def accepted(one: Attachment, rules: Iterable[Rule]) -> Condition:
    """Return whether a route is accepted at a parent: what we do not know in it is not passed over."""
    unknown = list(dict.fromkeys(what for rule in rules for what in rule.unsupported))
    if one.accepted.status and unknown:
        return Condition(ACCEPTED, False, "UnsupportedValue", f"not supported: {', '.join(unknown)}")
    return one.accepted


def _references(rules: Iterable[Rule]) -> Condition:
    missing = list(dict.fromkeys(found for rule in rules for found in rule.unresolved))
    if missing:
        return Condition(RESOLVED, False, missing[0][0], "; ".join(message for _, message in missing))
    return Condition(RESOLVED, True, "ResolvedRefs")


def _conditions(obj: Object, conditions: Iterable[Condition]) -> list[Status]:
    generation = obj["metadata"].get("generation", 1)
    return [
        {
            "type": one.type,
            "status": "True" if one.status else "False",
            "reason": one.reason,
            "message": one.message,
            "observedGeneration": generation,
        }
        for one in conditions
    ]
