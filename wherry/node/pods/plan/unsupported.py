"""What a pod may ask for that this node cannot do: refused by name, never ignored. Pure."""

from __future__ import annotations

from wherry.node.pods.plan.containers import everyone
from wherry.node.volumes import kinds
from wherry.objects import Object
from wherry.objects.meaning import unsupported


def refusals(pod: Object) -> list[str]:
    """Return what keeps the pod from being run here, one sentence each."""
    asked = unsupported.of_pod_spec(pod["spec"])
    found = [*kinds.refusals(pod), *(f"{what} is not supported by this node" for what in asked)]
    if any((context.get("seccompProfile") or {}).get("type") == "Localhost" for context in _contexts(pod)):
        found.append("a seccompProfile of type Localhost is not supported by this node")
    return found


def _contexts(pod: Object) -> list[Object]:
    """Return the securityContexts of the pod and of its containers."""
    return [one.get("securityContext") or {} for one in (pod["spec"], *everyone(pod))]


def warnings(pod: Object) -> list[str]:
    """Return what is left out though the pod is run, one sentence each."""
    found = []
    contexts = _contexts(pod)
    for name in ("appArmorProfile", "seLinuxOptions"):
        if any((c.get(name) or {}).get("type", "Set") != "Unconfined" for c in contexts if name in c):
            found.append(f"securityContext.{name} is not supported by this node: run without it")
    return found
