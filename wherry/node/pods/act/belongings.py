"""Making a pod's volumes ready and current, and taking everything of the pod away."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from wherry.node.network import hostports
from wherry.node.pods.act import runtimeclasses
from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.plan.events import Cleaned, SandboxReady, VolumesReady
from wherry.node.pods.plan.state import State
from wherry.objects import Object, podreferences


async def sync(node: NodeServices, pod: Object, state: State, reference_changed: Callable[[], None]) -> VolumesReady:
    """Make the volumes as they should be now; `reference_changed` is called when that has changed."""
    meta = pod["metadata"]
    await node.objects.hold(meta["namespace"], meta["uid"], podreferences.of_pod(pod), reference_changed)
    synced = await node.volumes.sync(
        pod,
        lambda kind, name: node.objects.get(meta["namespace"], kind, name),
        state.ips,
        node.allocatable,
        time.time,
    )
    return VolumesReady(synced.places, synced.renew_at)


async def set_up(node: NodeServices, pod: Object) -> SandboxReady:
    """Make the sandbox, and lead host ports to it."""
    handler = await runtimeclasses.handler(node, pod)
    if not pod["spec"].get("hostNetwork"):
        await node.fence.fence(pod, await asyncio.to_thread(node.sandboxes.addresses, pod))
    sandbox = await asyncio.to_thread(node.sandboxes.set_up, pod, handler)
    if hostports.of_pod(pod, sandbox.ips):
        await node.host_ports.sync()
    return SandboxReady(sandbox)


async def clean_up(node: NodeServices, pod: Object, state: State) -> Cleaned:
    """Release everything the pod has here but its records and its logs."""
    uid = pod["metadata"]["uid"]
    node.objects.release(uid)
    await node.volumes.tear_down(uid)
    await asyncio.to_thread(node.sandboxes.tear_down, uid)
    node.fence.unfence(pod)
    if hostports.of_pod(pod, state.ips):
        await node.host_ports.sync()
    return Cleaned()
