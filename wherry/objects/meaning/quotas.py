"""What counts against a ResourceQuota, and how much. Pure.

Source: k8s.io/kubernetes pkg/quota/v1/evaluator/core (pods.go, services.go, persistent_volume_claims.go),
k8s.io/apiserver pkg/quota/v1/generic/evaluator.go; KEP-2 (scopes).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from wherry.objects import Object, quantity, selectors
from wherry.objects.meaning import requests
from wherry.objects.meaning.pods import has_ended
from wherry.objects.resource import PERSISTENT_VOLUME_CLAIMS, PODS, SERVICES, Resource

Amounts = dict[str, int]
"""Billionths by the name a quota has for it: `pods`, `requests.cpu`, `count/jobs.batch`."""

ONE = quantity.NANO
OF_PODS = ("cpu", "memory", "ephemeral-storage")
OLD_NAMES = frozenset({"configmaps", "replicationcontrollers", "resourcequotas", "secrets"})
"""What is counted by its plain name as well; pods, services and claims are besides the rest they have."""
OF_CLASS = ".storageclass.storage.k8s.io/"
CLASS_ANNOTATION = "volume.beta.kubernetes.io/storage-class"
SCOPES = ("Terminating", "NotTerminating", "BestEffort", "NotBestEffort", "PriorityClass", "CrossNamespacePodAffinity")
OF_CLAIMS = "VolumeAttributesClass"


def hard(quota: Object) -> Mapping[str, str]:
    """Return the limits of a quota."""
    return (quota.get("spec") or {}).get("hard") or {}


def resource_of(name: str) -> tuple[str, str] | None:
    """Return (group, plural) of the objects that the name of a quota counts; None where it is none we know."""
    if name.startswith("count/"):
        plural, _, group = name.removeprefix("count/").partition(".")
        return group, plural
    if name in OLD_NAMES:
        return "", name
    if name.startswith("services"):
        return "", SERVICES.plural
    if name in ("persistentvolumeclaims", "requests.storage") or OF_CLASS in name:
        return "", PERSISTENT_VOLUME_CLAIMS.plural
    if is_of_pods(name):
        return "", PODS.plural
    return None


def is_of_pods(name: str) -> bool:
    """Tell whether what is counted are pods, or what they ask for."""
    bare = name.removeprefix("requests.").removeprefix("limits.")
    known = name == "pods" or bare in OF_PODS or bare.startswith("hugepages-")
    return known or (name.startswith("requests.") and "/" in bare)  # an extended resource


def charge(resource: Resource, obj: Object) -> Amounts:
    """Return all that an object counts for, whatever a quota asks."""
    counted = f"count/{resource.plural}.{resource.group}" if resource.group else f"count/{resource.plural}"
    amounts = {counted: ONE}
    if resource == PODS:
        return amounts | _of_pod(obj)
    if resource == SERVICES:
        return amounts | _of_service(obj)
    if resource == PERSISTENT_VOLUME_CLAIMS:
        return amounts | _of_claim(obj)
    if not resource.group and resource.plural in OLD_NAMES:
        amounts[resource.plural] = ONE
    return amounts


def _of_pod(pod: Object) -> Amounts:
    if has_ended(pod):
        return {}
    amounts = {"pods": ONE}
    for name, value in requests.held(pod, "requests", _nano).items():
        amounts[f"requests.{name}"] = value
        if name in OF_PODS or name.startswith("hugepages-"):
            amounts[name] = value
    for name, value in requests.held(pod, "limits", _nano).items():
        if name in OF_PODS:
            amounts[f"limits.{name}"] = value
    return amounts


def _nano(name: str, value: str | int | float) -> int:
    return quantity.parse(value).nano


def _of_service(service: Object) -> Amounts:
    amounts, ports = {"services": ONE}, service["spec"].get("ports") or ()
    kind = service["spec"].get("type")
    if kind == "LoadBalancer":
        amounts["services.loadbalancers"] = ONE
        if service["spec"].get("allocateLoadBalancerNodePorts") is False:
            ports = [port for port in ports if port.get("nodePort")]
    if kind in ("NodePort", "LoadBalancer"):
        amounts["services.nodeports"] = len(ports) * ONE
    return amounts


def _of_claim(claim: Object) -> Amounts:
    spec = claim.get("spec") or {}
    asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage")
    amounts = {"persistentvolumeclaims": ONE, "requests.storage": quantity.parse(asked).nano if asked else 0}
    annotations = claim["metadata"].get("annotations") or {}
    if of := annotations.get(CLASS_ANNOTATION) or spec.get("storageClassName"):
        amounts |= {f"{of}{OF_CLASS}{name}": value for name, value in list(amounts.items())}
    return amounts


def concerns(quota: Object, resource: Resource, obj: Object) -> bool:
    """Tell whether an object is one that the quota's scopes mean; a quota without scopes means all."""
    spec = quota.get("spec") or {}
    terms = [{"scopeName": scope, "operator": "Exists"} for scope in spec.get("scopes") or ()]
    terms += (spec.get("scopeSelector") or {}).get("matchExpressions") or ()
    return all(_is_in(term, resource, obj) for term in terms)


def _is_in(term: Object, resource: Resource, obj: Object) -> bool:
    scope, spec = term.get("scopeName"), obj.get("spec") or {}
    if scope == OF_CLAIMS:
        return resource == PERSISTENT_VOLUME_CLAIMS and _chosen(term, spec.get("volumeAttributesClassName"))
    if resource != PODS:
        return False
    if scope in ("Terminating", "NotTerminating"):
        return (spec.get("activeDeadlineSeconds") is not None) is (scope == "Terminating")
    if scope in ("BestEffort", "NotBestEffort"):
        return _is_best_effort(spec) is (scope == "BestEffort")
    if scope == "PriorityClass":
        return _chosen(term, spec.get("priorityClassName"))
    return scope == "CrossNamespacePodAffinity" and _looks_across(spec)


def _chosen(term: Object, value: str | None) -> bool:
    """Hold a scope's expression to the one value an object has, as to a label of that name."""
    expression = {"key": "scope", "operator": term.get("operator"), "values": term.get("values") or []}
    return selectors.stored({"matchExpressions": [expression]}).matches({"scope": value} if value else {})


def _is_best_effort(spec: Object) -> bool:
    holders = [spec, *(spec.get("initContainers") or ()), *(spec.get("containers") or ())]
    return not any((holder.get("resources") or {}).get(key) for holder in holders for key in ("requests", "limits"))


def _looks_across(spec: Object) -> bool:
    affinity = spec.get("affinity") or {}
    terms: list[Object] = []
    for kind in ("podAffinity", "podAntiAffinity"):
        part = affinity.get(kind) or {}
        terms += part.get("requiredDuringSchedulingIgnoredDuringExecution") or ()
        terms += [t["podAffinityTerm"] for t in part.get("preferredDuringSchedulingIgnoredDuringExecution") or ()]
    return any(term.get("namespaces") or term.get("namespaceSelector") is not None for term in terms)


def total(names: Iterable[str], charges: Iterable[Amounts]) -> Amounts:
    """Add up, of the `names` only."""
    used = dict.fromkeys(names, 0)
    for amounts in charges:
        for name in used.keys() & amounts.keys():
            used[name] += amounts[name]
    return used


def shown(used: Amounts, limits: Mapping[str, str]) -> dict[str, str]:
    """Return amounts as a quota's status has them: in the notation of its limits."""
    return {name: str(quantity.Quantity(nano, quantity.parse(limits[name]).notation)) for name, nano in used.items()}
