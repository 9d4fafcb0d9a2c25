"""Pods of this node whose address the API does not know yet: their node tells it before they have it (pure)."""

from __future__ import annotations

from wherry.objects import Object
from wherry.objects.meaning import pods


class Expected:
    """The addresses by the pod's uid, until the API says what they are."""

    def __init__(self) -> None:
        self._addresses: dict[str, str] = {}

    def at(self, pod: Object, address: str) -> None:
        """Expect a pod at an address."""
        self._addresses[pod["metadata"]["uid"]] = address

    def of(self, pod: Object) -> Object:
        """Return the pod, with the address it is expected at if it says none."""
        uid = pod["metadata"]["uid"]
        if uid not in self._addresses:
            return pod
        if pods.addresses(pod):
            self.gone(uid)
            return pod
        return {**pod, "status": {**(pod.get("status") or {}), "podIPs": [{"ip": self._addresses[uid]}]}}

    def gone(self, uid: str) -> None:
        """Expect it no longer."""
        self._addresses.pop(uid, None)

    def clear(self) -> None:
        """Expect nobody."""
        self._addresses.clear()
