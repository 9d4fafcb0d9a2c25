"""The ranges a new cluster IP may come from: those of all ServiceCIDRs that are ready and stay.

Source: k8s.io/kubernetes pkg/registry/core/service/ipallocator/cidrallocator.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Context
from wherry.objects.family import Network, network_family
from wherry.objects.meaning.servicecidrs import is_open, networks
from wherry.objects.resource import SERVICE_CIDRS


def of(context: Context) -> list[Network]:
    """Return the ranges of the cluster's family, the server's own first; that one alone where there is no ServiceCIDR.

    A ServiceCIDR with no condition yet counts as ready: it may be that nobody is there to say so.
    """
    found = list(context.list(SERVICE_CIDRS))
    if not found:
        return [context.service_cidr]
    ranges = {one for obj in found if is_open(obj) for one in networks(obj)}
    ours = [one for one in ranges if network_family(one) is network_family(context.service_cidr)]
    return sorted(ours, key=lambda one: (one != context.service_cidr, str(one)))
