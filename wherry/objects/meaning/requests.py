"""What a pod asks of a node, and what it holds there.

They differ while it is resized: its spec says what is wanted, its status what the node has set aside and what runs.
Source: KEP-753 (sidecars), KEP-2837 (of the whole pod), KEP-1287 (resizes), k8s.io/component-helpers
resource/helpers.go (PodRequests, PodLimits).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial

from wherry.objects import Object, metadata, quantity
from wherry.objects.meaning.pods import is_sidecar
from wherry.objects.meaning.wellknown import RESIZE_INFEASIBLE, RESIZE_PENDING

MILLICORES = "cpu"
Amount = Callable[[str, str | int | float], int]
"""Turns (resource, quantity) into a whole number."""
_Amounts = dict[str, int]
_Given = Callable[[Object], Object]
"""Returns the quantities of a container."""


def amount(name: str, value: str | int | float) -> int:
    """Return a quantity of resource `name` as a whole number: millicores of cpu, units of anything else."""
    return quantity.milli(value) if name == MILLICORES else quantity.whole(value)


def requests(pod: Object) -> _Amounts:
    """Return what a pod takes of its node."""
    return held(pod, "requests")


def held(pod: Object, key: str, amount: Amount = amount) -> _Amounts:
    """Return the most of a pod's `requests`, or `limits`: wanted, set aside, in force. A resize that cannot be is not.

    Amounts are as `amount` counts them; what is zero is left out.
    """
    spec, status = pod["spec"], pod.get("status") or {}
    told = {
        one["name"]: one
        for kind in ("containerStatuses", "initContainerStatuses")
        for one in status.get(kind) or ()
        if one.get("resources") is not None or one.get("allocatedResources")
    }
    if not told:
        return declared(spec, key, amount)
    wanted = not is_infeasible(pod)

    def set_aside(container: Object) -> Object:
        known = told.get(container.get("name")) or {}
        return known.get("allocatedResources") or (_declared(key, container) if wanted else {})

    def in_force(container: Object) -> Object:
        found = ((told.get(container.get("name")) or {}).get("resources") or {}).get(key)
        if found is None:
            found = set_aside(container) if key == "requests" else _declared(key, container) if wanted else {}
        return found

    views: list[_Given] = [in_force]
    if key == "requests":
        views.append(set_aside)
    if wanted:
        views.append(partial(_declared, key))
    return _most(_hungriest(spec, key, amount, given) for given in views)


def declared(spec: Object, key: str, amount: Amount = amount) -> _Amounts:
    """Return a pod's `requests`, or `limits`, at its hungriest: all containers and sidecars, or one before them."""
    return _hungriest(spec, key, amount, partial(_declared, key))


def is_infeasible(pod: Object) -> bool:
    """Return whether the pod's node has said that it can never have what it asks for now."""
    return (metadata.condition(pod, RESIZE_PENDING) or {}).get("reason") == RESIZE_INFEASIBLE


def _declared(key: str, holder: Object) -> Object:
    found: Object = (holder.get("resources") or {}).get(key) or {}
    return found


def _hungriest(spec: Object, key: str, amount: Amount, given: _Given) -> _Amounts:
    def counted(amounts: Object) -> _Amounts:
        return {name: amount(name, value) for name, value in amounts.items()}

    running: _Amounts = {}
    moments = []
    for container in spec.get("initContainers") or ():
        if is_sidecar(container):
            running = _add(running, counted(given(container)))
            moments.append(running)
        else:
            moments.append(_add(running, counted(given(container))))
    for container in spec.get("containers") or ():
        running = _add(running, counted(given(container)))
    most = _most([*moments, running]) | counted(_declared(key, spec))
    overhead = counted(spec.get("overhead") or {})
    if key == "limits":  # what is not limited is not by what the sandbox needs
        overhead = {name: value for name, value in overhead.items() if name in most}
    return {name: value for name, value in _add(most, overhead).items() if value}


def _add(total: Mapping[str, int], more: Mapping[str, int]) -> _Amounts:
    return {name: total.get(name, 0) + more.get(name, 0) for name in {*total, *more}}


def _most(parts: Iterable[Mapping[str, int]]) -> _Amounts:
    most: _Amounts = {}
    for part in parts:
        for name, value in part.items():
            most[name] = max(most.get(name, 0), value)
    return most
