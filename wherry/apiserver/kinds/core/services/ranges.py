"""The ranges a new cluster IP may come from: those of all ServiceCIDRs that are ready and stay.

Source: k8s.io/kubernetes pkg/registry/core/service/ipallocator/cidrallocator.go.
"""

from __future__ import annotations

from wherry.apiserver.kind import Context
from wherry.objects.family import Family, Network, network_family
from wherry.objects.meaning.servicecidrs import is_open, networks
from wherry.objects.resource import SERVICE_CIDRS


def of(context: Context, family: Family) -> list[Network]:
    """Return the ranges of a family, the server's own first; that one alone where there is no ServiceCIDR.

    A ServiceCIDR with no condition yet counts as ready: it may be that nobody is there to say so.
    """
    own = [one for one in context.service_cidrs if network_family(one) is family]
    found = list(context.list(SERVICE_CIDRS))
    if not found:
        return own
    ranges = {one for obj in found if is_open(obj) for one in networks(obj)}
    ours = [one for one in ranges if network_family(one) is family]
    return sorted(ours, key=lambda one: (one not in own, str(one)))
