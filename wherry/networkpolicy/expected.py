"""Pods of this node whose addresses the API does not know yet: their node tells them before they have any (pure)."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects import Object
from wherry.objects.meaning import pods


class Expected:
    """The addresses by the pod's uid, until the API says what they are."""

    def __init__(self) -> None:
        self._addresses: dict[str, Sequence[str]] = {}

    def at(self, pod: Object, addresses: Sequence[str]) -> None:
        """Expect a pod at these addresses."""
        self._addresses[pod["metadata"]["uid"]] = addresses

    def of(self, pod: Object) -> Object:
        """Return the pod, with the addresses it is expected at if it says none."""
        uid = pod["metadata"]["uid"]
        if uid not in self._addresses:
            return pod
        if pods.addresses(pod):
            self.gone(uid)
            return pod
        listed = [{"ip": address} for address in self._addresses[uid]]
        return {**pod, "status": {**(pod.get("status") or {}), "podIPs": listed}}

    def gone(self, uid: str) -> None:
        """Expect it no longer."""
        self._addresses.pop(uid, None)

    def clear(self) -> None:
        """Expect nobody."""
        self._addresses.clear()
