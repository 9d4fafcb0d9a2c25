"""What a pod asks of a node.

Source: KEP-753 (sidecars), KEP-2837 (of the whole pod), k8s.io/component-helpers resource/helpers.go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from wherry.objects import Object, quantity
from wherry.objects.meaning.pods import is_sidecar

MILLICORES = "cpu"
Amount = Callable[[str, str | int | float], int]
"""Turns (resource, quantity) into a whole number."""


def amount(name: str, value: str | int | float) -> int:
    """Return a quantity of resource `name` as a whole number: millicores of cpu, units of anything else."""
    return quantity.milli(value) if name == MILLICORES else quantity.whole(value)


def requests(spec: Object) -> dict[str, int]:
    """Return what a pod needs at its hungriest: all containers with the sidecars, or one init container before them."""
    return hungriest(spec, "requests")


def hungriest(spec: Object, key: str, amount: Amount = amount) -> dict[str, int]:
    """Return a pod's `requests`, or its `limits`, as `amount` counts them; what is zero is left out."""

    def asked(holder: Object) -> dict[str, int]:
        given = (holder.get("resources") or {}).get(key) or {}
        return {name: amount(name, value) for name, value in given.items()}

    running: dict[str, int] = {}
    moments = []
    for container in spec.get("initContainers") or ():
        if is_sidecar(container):
            running = _add(running, asked(container))
            moments.append(running)
        else:
            moments.append(_add(running, asked(container)))
    for container in spec.get("containers") or ():
        running = _add(running, asked(container))
    most = _most([*moments, running]) | asked(spec)
    overhead = {name: amount(name, value) for name, value in (spec.get("overhead") or {}).items()}
    if key == "limits":  # what is not limited is not by what the sandbox needs
        overhead = {name: value for name, value in overhead.items() if name in most}
    return {name: value for name, value in _add(most, overhead).items() if value}


def _add(total: dict[str, int], more: Mapping[str, int]) -> dict[str, int]:
    return {name: total.get(name, 0) + more.get(name, 0) for name in {*total, *more}}


def _most(parts: Iterable[Mapping[str, int]]) -> dict[str, int]:
    most: dict[str, int] = {}
    for part in parts:
        for name, value in part.items():
            most[name] = max(most.get(name, 0), value)
    return most
