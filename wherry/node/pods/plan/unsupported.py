"""What a pod may ask for that this node cannot do: refused by name, never ignored. Pure."""

from __future__ import annotations

from wherry.node.pods.plan.containers import everyone
from wherry.node.volumes import kinds
from wherry.objects import Object
from wherry.objects.meaning import unsupported


def refusals(pod: Object) -> list[str]:
    """Return what keeps the pod from being run here, one sentence each."""
    asked = unsupported.of_pod_spec(pod["spec"])
    return [*kinds.refusals(pod), *(f"{what} is not supported by this node" for what in asked)]


def warnings(pod: Object) -> list[str]:
    """Return what is left out though the pod is run, one sentence each."""
    contexts = [one.get("securityContext") or {} for one in (pod["spec"], *everyone(pod))]
    asked = any(context.get("seLinuxOptions") for context in contexts)
    return ["securityContext.seLinuxOptions is not supported by this node: run without it"] if asked else []
