"""What a pod is: its name, its addresses, what its containers share. Real ones, in a sandbox."""

from __future__ import annotations

import pytest

from tests.node.kernel.world import ADDRESS, NAME, World, config_map

pytestmark = pytest.mark.kernel


async def test_a_pod_has_its_name_its_address_and_its_environment(node: World):
    node.api.put(config_map("settings", COLOUR="blue"))
    reference = {"name": "COLOUR", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "COLOUR"}}}
    node.create(
        "web", "hostname; echo $COLOUR $FROM_IMAGE; ip -4 -o addr show eth0; ip route; sleep 1000", {"env": [reference]}
    )
    status = await node.running("web")
    assert (status["phase"], status["podIP"], status["hostIP"]) == ("Running", "10.244.1.2", ADDRESS)
    log = await node.printed("web", 4)
    assert log[:2] == ["web", "blue yes"]
    assert "10.244.1.2/32" in log[2]
    assert log[3].startswith("default via 10.244.1.1 dev eth0")
    assert node.events("Started") == ["Started container main"]


async def test_containers_of_a_pod_share_network_ipc_and_host_name(node: World):
    spec = [
        {
            "name": "a",
            "image": "demo/shell",
            "args": ["hostname; readlink /proc/self/ns/net /proc/self/ns/ipc; sleep 1000"],
        },
        {
            "name": "b",
            "image": "demo/shell",
            "args": ["hostname; readlink /proc/self/ns/net /proc/self/ns/ipc; sleep 1000"],
        },
    ]
    node.put("pair", spec)
    await node.running("pair")
    lines = await node.printed("pair", 6)
    assert lines[:3] == lines[3:]


async def test_a_host_network_pod_is_in_the_nodes_network(node: World):
    node.create("host", "hostname; ip -4 -o addr show lo; sleep 1000", hostNetwork=True)
    status = await node.running("host")
    assert status["podIP"] == ADDRESS
    name, *addresses = await node.printed("host", 3)
    assert name == NAME
    assert any(ADDRESS in line for line in addresses)
