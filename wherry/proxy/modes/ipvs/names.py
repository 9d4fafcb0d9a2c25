"""What sets, chains and the link are called: where kube-proxy has the same, by its name (pure).

Source: kubernetes pkg/proxy/ipvs/ipset.go, proxier.go.
"""

from __future__ import annotations

from wherry.objects.family import Family

LINK = "kube-ipvs0"
"""A dummy link with the addresses that IPVS serves: what is sent to them has to come in to be seen by it."""
IPVS_FILTER = "KUBE-IPVS-FILTER"
CLUSTER_IPS, PUBLISHED, LOOP_BACK, ADDRESSES = "CLUSTER-IP", "PUBLISHED", "LOOP-BACK", "IPVS-IPS"
KINDS = {
    CLUSTER_IPS: "hash:ip,port",
    PUBLISHED: "hash:ip,port",
    LOOP_BACK: "hash:ip,port,ip",
    ADDRESSES: "hash:ip",
}
"""The sets: frontends whose connections are masqueraded from off the cluster; frontends where all are; pods that may
reach themselves; addresses of which every port is either served or refused."""


def set_name(of: str, family: Family) -> str:
    """Return a family's set."""
    return f"KUBE-{of}" if family is Family.V4 else f"KUBE-6-{of}"
