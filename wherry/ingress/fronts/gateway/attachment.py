"""An HTTPRoute's parents: which listeners it is attached to, and why not to others (`CommonRouteSpec.parentRefs`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wherry.ingress.fronts.gateway.condition import ACCEPTED, Condition
from wherry.ingress.fronts.gateway.hostname import common
from wherry.ingress.fronts.gateway.listener import Listener
from wherry.ingress.fronts.gateway.resources import GATEWAYS, GROUP
from wherry.ingress.fronts.gateway.snapshot import Gateways
from wherry.ingress.route.problem import Key
from wherry.objects import Object, metadata


@dataclass(frozen=True, slots=True)
class Attachment:
    """One parent of a route: what becomes of it, and the listeners with the hostnames they have in common."""

    parent: Mapping[str, Any]
    gateway: Key
    accepted: Condition
    listeners: tuple[tuple[Listener, tuple[str, ...]], ...] = ()


def attachments(route: Object, listeners: Mapping[Key, Sequence[Listener]], gateways: Gateways) -> Iterator[Attachment]:
    """Yield the route's parents that are Gateways of ours, which `listeners` are of."""
    namespace = metadata.key(route)[0]
    for parent in (route.get("spec") or {}).get("parentRefs") or ():
        if (parent.get("group", GROUP), parent.get("kind", GATEWAYS.kind)) != (GROUP, GATEWAYS.kind):
            continue
        gateway = (parent.get("namespace") or namespace, parent["name"])
        if gateway in listeners:
            yield _attachment(route, parent, gateway, listeners[gateway], gateways)


def _attachment(
    route: Object, parent: Mapping[str, Any], gateway: Key, listeners: Sequence[Listener], gateways: Gateways
) -> Attachment:
    def refused(reason: str, message: str) -> Attachment:
        return Attachment(parent, gateway, Condition(ACCEPTED, False, reason, message))

    namespace = metadata.key(route)[0]
    named = [one for one in listeners if _is_meant(parent, one)]
    if not named:
        said = [
            f"{word} {parent[key]}" for word, key in (("section", "sectionName"), ("port", "port")) if key in parent
        ]
        return refused("NoMatchingParent", f"the Gateway has no listener of {' and '.join(said) or 'any name'}")
    labels = gateways.namespaces.get(namespace, {})
    allowed = [one for one in named if one.open and one.takes_routes and one.allows(namespace, labels)]
    if not allowed:
        return refused("NotAllowedByListeners", f"no listener lets HTTPRoutes of namespace {namespace} attach")
    hostnames = (route.get("spec") or {}).get("hostnames") or ()
    found = tuple((one, names) for one in allowed if (names := common(one.hostname, hostnames)))
    if not found:
        theirs = ", ".join(sorted({one.hostname for one in allowed}))
        return refused("NoMatchingListenerHostname", f"{', '.join(hostnames)}: the listeners are for {theirs}")
    return Attachment(parent, gateway, Condition(ACCEPTED, True, "Accepted"), found)


def _is_meant(parent: Mapping[str, Any], one: Listener) -> bool:
    return (parent.get("sectionName", one.name), parent.get("port", one.port)) == (one.name, one.port)
