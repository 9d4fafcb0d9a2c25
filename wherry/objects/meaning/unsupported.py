"""What a pod may ask for that no node of this project can do: the node refuses the pod, the API server warns of it."""

from __future__ import annotations

from wherry.objects import Object


def of_pod_spec(spec: Object) -> list[str]:
    """Return what is asked for in vain, as the subject of a sentence each; one of them keeps the pod from being run."""
    found = []
    for container in [*(spec.get("initContainers") or ()), *(spec.get("containers") or ())]:
        if container.get("volumeDevices"):
            found.append(f"container {container.get('name')}: volumeDevices")
    return found
