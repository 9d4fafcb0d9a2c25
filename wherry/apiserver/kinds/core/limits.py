"""What a LimitRange does to new objects: defaults for containers, bounds for containers, pods and claims.

Source: k8s.io/kubernetes plugin/pkg/admission/limitranger/admission.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from wherry.objects import Object, quantity
from wherry.objects.errors import Forbidden

Amounts = Mapping[str, str]
CLAIM = "PersistentVolumeClaim"


def admit(pod: Object, ranges: Iterable[Object]) -> None:
    """Apply the LimitRanges of the pod's namespace to it in place; raises `Forbidden` with every bound it breaks."""
    problems = []
    for limit_range in sorted(ranges, key=lambda r: r["metadata"]["name"]):
        items = (limit_range.get("spec") or {}).get("limits") or ()
        for item in items:
            if item.get("type") == "Container":
                _fill(pod, item)
        for item in items:
            problems += _broken(pod["spec"], item)
    _refuse("pods", pod, problems)


def admit_claim(claim: Object, ranges: Iterable[Object]) -> None:
    """Hold a claim to the LimitRanges of its namespace; raises `Forbidden` with every bound it breaks."""
    requests, _ = _asked(claim["spec"])
    problems: list[str] = []
    for limit_range in sorted(ranges, key=lambda r: r["metadata"]["name"]):
        for item in (limit_range.get("spec") or {}).get("limits") or ():
            if item.get("type") == CLAIM:
                problems += _request_bounds(item, requests)
    _refuse("persistentvolumeclaims", claim, problems)


def _request_bounds(item: Object, requests: Amounts) -> Iterator[str]:
    for key, word, wrong in (("min", "minimum", -1), ("max", "maximum", 1)):
        for name, bound in (item.get(key) or {}).items():
            start, request = f"{word} {name} usage per {CLAIM} is {bound}", requests.get(name)
            if request is None:
                yield f"{start}.  No request is specified"
            elif quantity.compare(request, bound) == wrong:
                yield f"{start}, but request is {request}"


def _refuse(plural: str, obj: Object, problems: list[str]) -> None:
    if problems:
        problems = list(dict.fromkeys(problems))
        why = problems[0] if len(problems) == 1 else f"[{', '.join(problems)}]"
        raise Forbidden.of(plural, obj["metadata"].get("name", ""), why)


def _containers(spec: Object) -> list[Object]:
    return [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]


def _fill(pod: Object, item: Object) -> None:
    for container in _containers(pod["spec"]):
        resources = container.setdefault("resources", {})
        for key, source in (("limits", "default"), ("requests", "defaultRequest")):
            if defaults := item.get(source):
                resources[key] = {**defaults, **(resources.get(key) or {})}


def _broken(spec: Object, item: Object) -> list[str]:
    kind = item.get("type")
    if kind == "Container":
        lists = [_asked(container) for container in _containers(spec)]
    elif kind == "Pod":
        each = [_asked(container) for container in spec.get("containers") or ()]
        lists = [(_sum([requests for requests, _ in each]), _sum([limits for _, limits in each]))]
    else:
        return []
    return [problem for requests, limits in lists for problem in _bounds(kind, item, requests, limits)]


def _asked(container: Object) -> tuple[Amounts, Amounts]:
    resources = container.get("resources") or {}
    return resources.get("requests") or {}, resources.get("limits") or {}


def _sum(lists: list[Amounts]) -> Amounts:
    """Return the totals of the resources that every list names."""
    shared = set.intersection(*map(set, lists)) if lists else set()
    return {n: str(quantity.Quantity(sum(quantity.parse(a[n]).nano for a in lists))) for n in shared}


def _bounds(kind: str, item: Object, requests: Amounts, limits: Amounts) -> Iterator[str]:
    for name, bound in (item.get("min") or {}).items():
        yield from _minimum(f"minimum {name} usage per {kind} is {bound}", bound, requests.get(name), limits.get(name))
    for name, bound in (item.get("max") or {}).items():
        yield from _maximum(f"maximum {name} usage per {kind} is {bound}", bound, requests.get(name), limits.get(name))
    for name, bound in (item.get("maxLimitRequestRatio") or {}).items():
        start = f"{name} max limit to request ratio per {kind} is {bound}"
        yield from _ratio(start, bound, requests.get(name), limits.get(name))


def _minimum(start: str, bound: str, request: str | None, limit: str | None) -> Iterator[str]:
    if request is None:
        yield f"{start}.  No request is specified"
    elif quantity.compare(request, bound) < 0:
        yield f"{start}, but request is {request}"
    elif limit is not None and quantity.compare(limit, bound) < 0:
        yield f"{start}, but limit is {limit}"


def _maximum(start: str, bound: str, request: str | None, limit: str | None) -> Iterator[str]:
    if limit is None:
        yield f"{start}.  No limit is specified"
    elif quantity.compare(limit, bound) > 0:
        yield f"{start}, but limit is {limit}"
    elif request is not None and quantity.compare(request, bound) > 0:
        yield f"{start}, but request is {request}"


def _ratio(start: str, bound: str, request: str | None, limit: str | None) -> Iterator[str]:
    requested = quantity.parse(request).nano if request else 0
    limited = quantity.parse(limit).nano if limit else 0
    if not requested:
        yield f"{start}, but no request is specified or request is 0"
    elif not limited:
        yield f"{start}, but no limit is specified or limit is 0"
    elif limited / requested > quantity.parse(bound).nano / quantity.NANO:
        yield f"{start}, but provided ratio is {limited / requested:.6f}"
