"""Whether a pod's AppArmor profiles can be enforced here. Pure.

Source: kubernetes pkg/security/apparmor (isRequired, validateHost), pkg/kubelet/lifecycle/handlers.go (the words).
"""

from __future__ import annotations

from wherry.node.pods.plan.containers import everyone
from wherry.node.pods.plan.state import Rejection
from wherry.objects import Object

NOT_ENABLED = Rejection("AppArmor", "Cannot enforce AppArmor: AppArmor is not enabled on the host")


def rejection(pod: Object, *, enabled: bool) -> Rejection | None:
    """Return why the pod may not run on this node because of its profiles, None when it may."""
    return NOT_ENABLED if not enabled and any(kind != "Unconfined" for kind in _types(pod)) else None


def warnings(pod: Object, *, enabled: bool) -> list[str]:
    """Return what is left out though the pod is run: this node brings no profile of its own."""
    text = "an appArmorProfile of type RuntimeDefault is not supported by this node: run without it"
    return [text] if enabled and "RuntimeDefault" in _types(pod) else []


def _types(pod: Object) -> list[str]:
    contexts = [one.get("securityContext") or {} for one in (pod["spec"], *everyone(pod))]
    return [context["appArmorProfile"].get("type", "") for context in contexts if context.get("appArmorProfile")]
