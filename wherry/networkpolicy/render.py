"""What would be told to an empty kernel, as text for people."""

from __future__ import annotations

from wherry.client.interface import Client
from wherry.networkpolicy import pod, policy
from wherry.networkpolicy.layout import Layout
from wherry.networkpolicy.plan import Plan
from wherry.objects import metadata
from wherry.objects.errors import NotFound
from wherry.objects.family import Family
from wherry.objects.resource import NAMESPACES, NETWORK_POLICIES, NODES, PODS


async def render(client: Client, node: str) -> str:
    """Return the rules of a node, "" where no policy is about its pods; raises ApiError. Closes the client."""
    plan = Plan()
    try:
        if not (await client.list(NODES, fields=f"metadata.name={node}")).items:  # it may be listed, not got
            raise NotFound.of(NODES.plural, node)
        for each in (await client.list(NAMESPACES)).items:
            plan.namespace(each["metadata"]["name"], metadata.labels(each))
        for each in (await client.list(NETWORK_POLICIES)).items:
            plan.policy(metadata.key(each), policy.read(each))
        for each in (await client.list(PODS)).items:
            plan.pod(metadata.key(each), pod.read(each, node))
    finally:
        await client.close()
    plan.take()
    wanted = [Layout(family).load(plan.whole(), found=False) for family in Family if plan.isolates(family)]
    return "".join(map(str, wanted))
