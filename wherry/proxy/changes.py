"""The incremental plan: told of each object that changes, it plans again only the Services that are touched.

Equal, at every moment, to `make_plan` over the same objects; a property test holds it to that.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable

from wherry.objects import Object, metadata
from wherry.objects.meaning.endpoints import service_of
from wherry.objects.meaning.wellknown import TRIGGER_TIME
from wherry.objects.timestamps import parse
from wherry.proxy.plan import Change, Frontend, HealthCheck, Plan, Route, ServicePlan, plan_service
from wherry.proxy.service import ServiceKey
from wherry.proxy.topology import ThisNode

log = logging.getLogger(__name__)

_NOTHING = ServicePlan()


class Judge:
    """Hears how planning a Service went. This one lets a failure through."""

    def failed(self, key: ServiceKey, error: Exception) -> None:
        """A Service could not be planned: its last plan stays. Raise, or have it planned `again` later."""
        raise error

    def succeeded(self, key: ServiceKey) -> None:
        """A Service was planned."""


class Changes:
    """The current objects, the plan they make, and the Services not planned again yet.

    `service`, `slice` (both take old and new, as informer handlers do) and `node` tell it what changed; `take` returns
    how the plan did. What cannot be planned is left as it was, and told to `judge`.
    """

    def __init__(self, node: ThisNode, judge: Judge | None = None):
        self._node = node
        self._judge = judge or Judge()
        self._services: dict[ServiceKey, Object] = {}
        self._slices: dict[ServiceKey, dict[str, Object]] = {}
        self._dirty: set[ServiceKey] = set()
        self._parts: dict[ServiceKey, ServicePlan] = {}
        self._claims: dict[Frontend, tuple[Route, ...]] = {}  # by precedence: the first has it
        self._triggers: list[float] = []

    def __len__(self) -> int:
        """Return how many Services wait to be planned again."""
        return len(self._dirty)

    def service(self, old: Object | None, new: Object | None) -> None:
        """Take note of a Service that was added, changed or deleted."""
        key = _key(new or old or {})
        if new is None:
            self._services.pop(key, None)
        else:
            self._services[key] = new
        self._dirty.add(key)

    def slice(self, old: Object | None, new: Object | None) -> None:
        """Take note of an EndpointSlice that was added, changed (its owner perhaps) or deleted."""
        before, after = (service_of(piece) if piece else None for piece in (old, new))
        name = (new or old or {})["metadata"]["name"]
        if before and before != after:
            self._forget(before, name)
        elif before and old and new and _content(old) == _content(new):
            return
        if new is not None and after:
            self._slices.setdefault(after, {})[name] = new
            self._dirty.add(after)
            self._note_trigger(old, new)
        elif before:
            self._forget(before, name)

    def node(self, node: ThisNode) -> None:
        """Take note of this node's zone and addresses; a change touches every Service."""
        if node != self._node:
            self._node = node
            self._dirty |= self._services.keys()

    def take(self) -> Change:
        """Plan the touched Services again and return how the plan changed."""
        before: dict[Frontend, Route | None] = {}
        checks: dict[ServiceKey, HealthCheck | None] = {}
        left_out: dict[ServiceKey, tuple[str, ...]] = {}
        for key in self._dirty:
            old = self._parts.get(key, _NOTHING)
            new = self._plan(key, old)
            if new.health_check != old.health_check:
                checks[key] = new.health_check
            if new.left_out != old.left_out:
                left_out[key] = new.left_out
            for frontend in self._reclaim(old.routes, new.routes, before):
                self._warn_contested(frontend)
            self._parts[key] = new
            if new is _NOTHING:
                del self._parts[key]
        self._dirty.clear()
        routes = {f: (was, self._route(f)) for f, was in sorted(before.items())}
        return Change({f: pair for f, pair in routes.items() if pair[0] != pair[1]}, checks, left_out)

    def take_triggers(self) -> list[float]:
        """Return, once, the times (seconds since the epoch) of the pod or Service changes behind what was taken."""
        triggers, self._triggers = self._triggers, []
        return triggers

    @property
    def plan(self) -> Plan:
        """The plan as of the last `take`."""
        routes = {frontend: claims[0] for frontend, claims in self._claims.items()}
        checks = {key: part.health_check for key, part in self._parts.items() if part.health_check}
        return Plan(routes, checks)

    def again(self, key: ServiceKey) -> None:
        """Have a Service planned anew with the next `take`."""
        self._dirty.add(key)

    def _plan(self, key: ServiceKey, old: ServicePlan) -> ServicePlan:
        service, new = self._services.get(key), _NOTHING
        try:
            if service is not None:
                new = plan_service(service, self._slices.get(key, {}).values(), self._node)
        except Exception as error:  # noqa: BLE001 - one Service must not keep the others from working
            self._judge.failed(key, error)
            return old
        self._judge.succeeded(key)
        return new

    def _route(self, frontend: Frontend) -> Route | None:
        claims = self._claims.get(frontend)
        return claims[0] if claims else None

    def _reclaim(
        self, old: Iterable[Route], new: Iterable[Route], before: dict[Frontend, Route | None]
    ) -> Iterable[Frontend]:
        """Replace one Service's claims; return the frontends it has to share."""
        gone, come = set(old), set(new)
        contested = []
        for route in gone - come:
            before.setdefault(route.frontend, self._route(route.frontend))
            left = tuple(r for r in self._claims[route.frontend] if r != route)
            if left:
                self._claims[route.frontend] = left
            else:
                del self._claims[route.frontend]
        for route in come - gone:
            before.setdefault(route.frontend, self._route(route.frontend))
            claims = (*self._claims.get(route.frontend, ()), route)
            self._claims[route.frontend] = tuple(sorted(claims, key=lambda r: r.precedence))
            if len({r.owner[:2] for r in claims}) > 1:
                contested.append(route.frontend)
        return contested

    def _warn_contested(self, frontend: Frontend) -> None:
        owners = [str(r.owner) for r in self._claims[frontend]]
        log.warning("%s is claimed by %s: %s has it", frontend, " and ".join(owners), owners[0])

    def _forget(self, key: ServiceKey, name: str) -> None:
        slices = self._slices.get(key, {})
        if slices.pop(name, None) is not None:
            self._dirty.add(key)
        if not slices:
            self._slices.pop(key, None)

    def _note_trigger(self, old: Object | None, new: Object) -> None:
        """Remember the annotation that says when the change behind a slice happened, if it is a new one."""
        text = metadata.annotations(new).get(TRIGGER_TIME)
        if not text or (old and metadata.annotations(old).get(TRIGGER_TIME) == text):
            return
        try:
            self._triggers.append(parse(text))
        except ValueError:
            log.debug("%s: %s is no time: %r", new["metadata"]["name"], TRIGGER_TIME, text)


def _key(obj: Object) -> ServiceKey:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _content(piece: Object) -> tuple[object, ...]:
    return piece.get("addressType"), piece.get("ports"), piece.get("endpoints")
