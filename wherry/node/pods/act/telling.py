"""Events about a pod."""

from __future__ import annotations

from wherry.component.events import EventKind, EventRecorder
from wherry.objects import Object, metadata
from wherry.objects.resource import PODS


def called(pod: Object) -> str:
    """Return `NAME_NAMESPACE`, as the kubelet calls pods in its messages."""
    namespace, name = metadata.key(pod)
    return f"{name}_{namespace}"


def tell(
    events: EventRecorder, pod: Object, kind: EventKind, reason: str, message: str, container: Object | None = None
) -> None:
    """Tell of something that happened to a pod, or to one of its containers."""
    path = ""
    if container is not None:
        kinds = ("initContainers", "containers", "ephemeralContainers")
        field = next(kind for kind in kinds if container in (pod["spec"].get(kind) or ()))
        path = f"spec.{field}{{{container['name']}}}"
    events.event(PODS, pod, kind, reason, message, field_path=path)
