"""The Node and its Lease."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.fake.client import FakeClient
from wherry.component.informer import Informer
from wherry.node.config import NodeConfig
from wherry.node.registration import Hardware, Registration, conditions, is_doubted
from wherry.node.runtime.machine import Programs
from wherry.node.runtime.spec import Machine
from wherry.objects import Object, metadata
from wherry.objects.errors import ServiceUnavailable
from wherry.objects.resource import LEASES, NODES

NOW = 1_800_000_000.0
MACHINE = Hardware(cpus=2, memory=8 << 30, disk=100 << 30, machine_id="m", boot_id="b", os_image="Debian")
PROGRAMS = Programs(Path("/runc"), Path("/conmon"), "runc", "1.1.5")
MACHINES = {
    "": Machine(frozenset(), 1 << 30, unified_cgroups=False),
    "crun": Machine(frozenset(), 1 << 30, unified_cgroups=False, recursive_read_only=False),
}
TAINT = {"key": "node-role.kubernetes.io/control-plane", "effect": "NoSchedule"}
CONFIG = NodeConfig(
    name="k8s-master",
    addresses=["192.168.51.209"],
    pod_cidrs=["10.244.0.0/24"],
    cluster_dns="10.96.0.10",
    cluster_domain="cluster.local",
    state_dir=Path("/s"),
    run_dir=Path("/r"),
    serving_certificate=Path("/c"),
    serving_key=Path("/k"),
    client_ca=Path("/ca"),
    labels={"node-role.kubernetes.io/control-plane": ""},
    taints=[TAINT],
)


async def registered(client: FakeClient) -> Object:
    await Registration(client, CONFIG, MACHINE, PROGRAMS, MACHINES).register()
    found = client.peek(NODES, "k8s-master")
    assert found is not None
    return found


async def test_a_new_node_is_created_ready_with_its_role_taint_and_range():
    found = await registered(FakeClient())
    assert found["spec"] == {"podCIDR": "10.244.0.0/24", "podCIDRs": ["10.244.0.0/24"], "taints": [TAINT]}
    assert found["metadata"]["labels"]["kubernetes.io/hostname"] == "k8s-master"
    assert "node-role.kubernetes.io/control-plane" in found["metadata"]["labels"]
    assert (metadata.condition(found, "Ready") or {})["status"] == "True"
    assert found["status"]["capacity"]["memory"] == "8388608Ki"
    assert found["status"]["nodeInfo"]["containerRuntimeVersion"] == "runc://1.1.5"
    assert found["status"]["runtimeHandlers"] == [
        {"name": "", "features": {"recursiveReadOnlyMounts": True, "userNamespaces": True}},
        {"name": "crun", "features": {"recursiveReadOnlyMounts": False, "userNamespaces": True}},
    ]


async def test_what_users_changed_is_left_alone():
    client = FakeClient()
    await registered(client)
    change = {"metadata": {"labels": {"ingress": "true"}}, "spec": {"taints": None}}
    await client.patch(NODES, "k8s-master", change)
    again = await registered(client)
    assert again["metadata"]["labels"]["ingress"] == "true"
    assert "taints" not in again["spec"]


async def test_it_waits_for_the_api_server():
    client = FakeClient()
    client.fail(ServiceUnavailable("not yet"), times=2)
    assert await registered(client)


async def test_the_lease_is_made_and_renewed():
    client = FakeClient()
    keeper = Registration(client, CONFIG, MACHINE, PROGRAMS, MACHINES)
    await keeper.register()
    running = asyncio.create_task(keeper.run())
    async for event in client.watch(LEASES, "kube-node-lease", resource_version="0"):
        lease = event.object
        break
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert lease["spec"]["leaseDurationSeconds"] == 40
    assert lease["metadata"]["ownerReferences"][0]["name"] == "k8s-master"


def test_a_heartbeat_changes_no_transition_time_and_keeps_others_conditions():
    foreign = {"type": "NetworkUnavailable", "status": "False"}
    first = conditions({"status": {"conditions": [foreign]}}, NOW)
    again = conditions({"status": {"conditions": first}}, NOW + 300)
    assert again[0] == foreign
    assert [c.get("lastTransitionTime") for c in again] == [c.get("lastTransitionTime") for c in first]
    assert again[1]["lastHeartbeatTime"] != first[1]["lastHeartbeatTime"]


async def test_a_node_that_was_given_up_as_silent_says_at_once_that_it_is_ready():
    client = FakeClient()
    nodes, keeper = Informer(client, NODES), Registration(client, CONFIG, MACHINE, PROGRAMS, MACHINES)
    await keeper.register()
    keeper.heed(nodes)
    tasks = [asyncio.create_task(nodes.run()), asyncio.create_task(keeper.run())]
    doubted, back = asyncio.Event(), asyncio.Event()

    def note(old: Object | None, new: Object | None) -> None:
        if new is not None and is_doubted(new):
            doubted.set()
        elif doubted.is_set():
            back.set()

    nodes.subscribe(note)
    try:
        await nodes.wait_synced()
        found = client.peek(NODES, "k8s-master")
        assert found is not None
        silenced = [{**c, "status": "Unknown", "reason": "NodeStatusUnknown"} for c in found["status"]["conditions"]]
        await client.patch(NODES, "k8s-master", {"status": {"conditions": silenced}}, subresource="status")
        async with asyncio.timeout(5):
            await back.wait()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
