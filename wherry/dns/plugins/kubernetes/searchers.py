"""Whose resolver has which search path: that of the one pod at an address, if it is the usual one.

When in doubt the answer is none: the resolver then walks its search path itself, as it does without us.
"""

from __future__ import annotations

from wherry.dns import names
from wherry.dns.query import SearchPath
from wherry.objects import Object
from wherry.objects.metadata import Key


class Searchers:
    """The pods' search paths (kubelet pkg/kubelet/network/dns: NAMESPACE.svc.ZONE, svc.ZONE, ZONE) by address.

    The domains of a node's own search path, which kubelet adds behind, are left out: what only they have is found by
    the resolver itself, in the next round trips, and no other name costs a question upstream for each of them.

    A pod that has ended has no address, so the next pod at its address is not taken for it (coredns#3765). While two
    pods of different namespaces seem to have one, it is nobody's: one of them is going, and which is not known.
    """

    def __init__(self, zone: bytes):
        self._above = names.join(("svc",), zone), zone, names.ROOT
        self._at: dict[str, dict[Key, bool]] = {}
        self._ips: dict[Key, tuple[str, ...]] = {}
        self._namespace: dict[str, str] = {}
        self._paths: dict[str, SearchPath] = {}

    def begins_with(self, domain: bytes) -> bool:
        """Whether a domain is the first of some pod's search path: NAMESPACE.svc.ZONE, whatever the namespace."""
        return domain[1 + domain[0] :] == self._above[0]

    def of(self, address: str) -> SearchPath | None:
        """Return the search path of the pod at an address, None where there is none or it is not known."""
        namespace = self._namespace.get(address)
        return None if namespace is None else self._paths[namespace]

    def set(self, pod: Key, addresses: tuple[str, ...], usual: bool) -> None:
        """Take in where a pod is (no address: nowhere any more) and whether its search path is the usual one."""
        before = self._ips.pop(pod, ())
        for ip in before:
            del self._at[ip][pod]
        if addresses:
            self._ips[pod] = addresses
        for ip in addresses:
            self._at.setdefault(ip, {})[pod] = usual
        for ip in {*before, *addresses}:
            self._decide(ip)

    def _decide(self, ip: str) -> None:
        pods = self._at[ip]
        namespaces = {namespace for namespace, _ in pods}
        if not pods:
            del self._at[ip]
        if len(namespaces) != 1 or not all(pods.values()):
            self._namespace.pop(ip, None)
            return
        (namespace,) = namespaces
        self._namespace[ip] = namespace
        if namespace not in self._paths:
            self._paths[namespace] = (names.join((namespace, "svc"), self._above[1]), *self._above)


def has_usual_search_path(pod: Object) -> bool:
    """Whether a pod's resolv.conf has the search path of its namespace, and its address is its own."""
    spec = pod["spec"]
    policy, own = spec.get("dnsPolicy") or "ClusterFirst", (spec.get("dnsConfig") or {}).get("searches")
    return policy == "ClusterFirst" and not own and not spec.get("hostNetwork")


def kept_of_pod(pod: Object) -> Object:
    """Return what is read of a pod here: a tenth of it, so that following all of them takes little memory."""
    meta, spec, status = pod["metadata"], pod["spec"], pod.get("status") or {}
    return {
        "metadata": {name: meta[name] for name in ("name", "namespace", "resourceVersion") if name in meta},
        "spec": {name: spec[name] for name in ("dnsPolicy", "hostNetwork", "dnsConfig") if name in spec},
        "status": {name: status[name] for name in ("phase", "podIP", "podIPs") if name in status},
    }
