"""What a pod takes from its RuntimeClass: the overhead, and the nodes it can go to.

Source: k8s.io/kubernetes plugin/pkg/admission/runtimeclass/admission.go, pkg/util/tolerations/tolerations.go.
"""

from __future__ import annotations

from collections.abc import Mapping

from wherry.apiserver.kind import Context
from wherry.apiserver.kinds.core import resourcelist, taints
from wherry.objects import Object, fields, names, quantity
from wherry.objects.errors import FieldError, Forbidden
from wherry.objects.resource import RUNTIME_CLASSES


def validate(path: str, spec: Object) -> list[FieldError]:
    """Check `runtimeClassName` and `overhead` of a pod spec."""
    name, errors = spec.get("runtimeClassName"), []
    if name is not None:
        errors += [fields.invalid(f"{path}.runtimeClassName", name, text) for text in names.dns_subdomain(name)]
    return errors + resourcelist.validate_requirements(f"{path}.overhead", {"limits": spec.get("overhead")})


def admit(pod: Object, context: Context) -> None:
    """Complete a new pod from its class, in place.

    Raises `Forbidden` for a class there is not, and for what the pod says against it.
    """
    spec, wanted = pod["spec"], pod["spec"].get("runtimeClassName")
    found = context.get(RUNTIME_CLASSES, wanted) if wanted is not None else None
    if wanted is not None and found is None:
        raise _rejected(pod, f'pod rejected: RuntimeClass "{wanted}" not found')
    _overhead(pod, (found or {}).get("overhead"))
    scheduling = (found or {}).get("scheduling") or {}
    if selector := scheduling.get("nodeSelector"):
        spec["nodeSelector"] = _selector(pod, selector)
    if tolerations := scheduling.get("tolerations"):
        spec["tolerations"] = taints.merged(spec.get("tolerations") or (), tolerations)


def _rejected(pod: Object, why: str) -> Forbidden:
    return Forbidden.of("pods", pod["metadata"].get("name", ""), why)


def _overhead(pod: Object, overhead: Object | None) -> None:
    """Give the pod its class's overhead; it may have said the same itself, and nothing else."""
    said = pod["spec"].get("overhead")
    if overhead is None:
        if said is not None:
            raise _rejected(pod, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead")
        return
    fixed = overhead.get("podFixed") or {}
    if said and not _same(said, fixed):
        raise _rejected(pod, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead")
    pod["spec"]["overhead"] = dict(fixed)


def _same(some: Mapping[str, str], others: Mapping[str, str]) -> bool:
    return some.keys() == others.keys() and not any(quantity.compare(some[name], others[name]) for name in some)


def _selector(pod: Object, wanted: Mapping[str, str]) -> dict[str, str]:
    given = pod["spec"].get("nodeSelector") or {}
    for key, value in wanted.items():
        if given.get(key, value) != value:
            of_class = f"runtimeClass.scheduling.nodeSelector[{key}] = {value}"
            raise _rejected(pod, f"conflict: {of_class}; pod.spec.nodeSelector[{key}] = {given[key]}")
    return {**given, **wanted}
