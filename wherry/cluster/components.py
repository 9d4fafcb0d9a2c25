"""The processes of a cluster, and what each runs. All are children of the init; none knows another.

control-plane   API server, controllers, scheduler, addons; in the first node's network namespace; on a shared store
                there may be several, control-plane-2 and so on, behind the same sockets
node-NAME       the node agent of one node, in that node's network namespace; enforces NetworkPolicies there
host-forward    the host's loopback to node ports and ingress; in the host's network namespace
egress          slirp4netns, the way out (egress.py); in the host's network namespace
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import uvloop  # noqa: F401 - shared by all

# What the components share is imported here, once, before the init forks them: see supervisor.py. So is what only the
# control plane needs, which is to be back at once when it is killed. A lone node's agent imports what it needs itself.
from wherry.client import http, kubeconfig
from wherry.client.interface import Client
from wherry.cluster import controlplane, egress, power
from wherry.cluster.config import ClusterConfig, Node
from wherry.cluster.hostforward import run as hostforward
from wherry.cluster.hostforward.parking import Parking
from wherry.cluster.paths import MACHINE_NAMESPACE, RUN, Paths, node_namespace, node_run
from wherry.cluster.supervisor import Component
from wherry.component import process
from wherry.net import namespaces
from wherry.net.listening import listen
from wherry.node.config import NodeConfig
from wherry.objects.family import bracketed
from wherry.objects.meaning.wellknown import CONTROL_PLANE_ROLE
from wherry.telemetry import log

API_PORT = 6443
CONTROL_PLANE_TAINT = {"key": CONTROL_PLANE_ROLE, "effect": "NoSchedule"}


class Sockets:
    """What listens for the components: the init keeps it open, so that clients wait a moment instead of being refused.

    `listeners`: the host-side sockets `api`, `http` and `https`.
    """

    def __init__(self, config: ClusterConfig, listeners: Mapping[str, socket.socket]):
        first = config.control_plane
        self.api = [listeners["api"], namespaces.run(node_namespace(first.name), listen, first.address, API_PORT)]
        self.ingress = {name: listeners[name] for name in ("http", "https")}
        self.parking = Parking()


def of(config: ClusterConfig, paths: Paths, sockets: Sockets) -> list[Component]:
    """Return the components."""
    if len(config.nodes) > 1:
        import wherry.networkpolicy.component
        import wherry.node.agent  # noqa: F401 - shared by the nodes
    return [
        *(
            Component(name, partial(_control_plane, name, number, config, paths, sockets.api))
            for number, name in enumerate(controlplane.names(config), 1)
        ),
        *(
            Component(f"node-{n.name}", partial(_node, n, config, paths), partial(power.is_on, n.name))
            for n in config.nodes
        ),
        Component("host-forward", partial(_host_forward, config, paths, sockets.ingress, sockets.parking)),
        *([Component("egress", partial(_egress, config))] if egress.wanted(config) else []),
    ]


def _control_plane(name: str, number: int, config: ClusterConfig, paths: Paths, sockets: list[socket.socket]) -> None:
    log.setup(name)
    namespaces.enter(node_namespace(config.control_plane.name))
    process.run(controlplane.run(config, paths, sockets, number))


def _node(node: Node, config: ClusterConfig, paths: Paths) -> None:
    log.setup(f"node-{node.name}")
    namespaces.enter(node_namespace(node.name))
    server = kubeconfig.Config(
        server=f"https://{bracketed(config.control_plane.address)}:{API_PORT}",
        ca=(paths.pki / "ca.crt").read_bytes(),
        client_certificate=(paths.pki / f"node-{node.name}.crt").read_bytes(),
        client_key=(paths.pki / f"node-{node.name}.key").read_bytes(),
    )
    client = http.HttpClient(server)
    process.run(_agent(node_config(node, config, paths), client), client)


async def _agent(config: NodeConfig, client: Client) -> None:
    """Be the node, and enforce NetworkPolicies on it: no pod is to be there before its rules are."""
    from wherry.networkpolicy.component import NetworkPolicies
    from wherry.node import agent

    form = None
    if config.static_pods:
        from wherry.cluster.podform import ApiForm

        form = ApiForm()
    policies = NetworkPolicies(client, config.name)
    enforcing = asyncio.create_task(policies.run())
    try:
        await agent.run(config, client, policies, form)
    finally:
        enforcing.cancel()
        await asyncio.wait([enforcing])


def node_config(node: Node, config: ClusterConfig, paths: Paths) -> NodeConfig:
    """Return what the node agent of `node` needs to know."""
    is_control_plane = node == config.control_plane
    labels = {CONTROL_PLANE_ROLE: ""} if is_control_plane else {}
    # As kind does: with other nodes to run on, the control plane's is kept free of ordinary pods.
    taints = [CONTROL_PLANE_TAINT] if is_control_plane and len(config.nodes) > 1 else []
    return NodeConfig(
        name=node.name,
        addresses=node.addresses,
        pod_cidrs=node.pod_cidrs,
        cluster_dns=config.dns_address,
        cluster_domain=config.cluster_domain,
        state_dir=paths.node(node.name),
        run_dir=node_run(node.name),
        image_maps=[Path(config.image_map)] if config.image_map else [],
        images=paths.images,
        registries=Path(config.registries) if config.registries else None,
        static_pods=[Path(config.static_pods), Path(config.static_pods, node.name)] if config.static_pods else [],
        machine_network=MACHINE_NAMESPACE,
        name_servers=egress.name_servers(config),
        near=f"{config.node_cidr},{config.pod_cidr},{config.service_cidr}".split(","),
        labels=labels,
        taints=taints,
        cgroup_parent=f"{paths.cgroup}/{node.name}",
        serving_certificate=paths.pki / f"node-{node.name}-serving.crt",
        serving_key=paths.pki / f"node-{node.name}-serving.key",
        client_ca=paths.pki / "ca.crt",
        hidden=[paths.data, RUN],
        component_logs=component_logs(node, config, paths),
    )


def component_logs(node: Node, config: ClusterConfig, paths: Paths) -> dict[str, Path]:
    """Return the log files of what runs on a node, under the names they have on a real one; some are one process."""
    logs = {"kubelet.log": paths.logs / f"node-{node.name}.log"}
    if node == config.control_plane:
        shared = ("kube-apiserver.log", "kube-controller-manager.log", "kube-scheduler.log")
        logs |= dict.fromkeys(shared, paths.logs / "control-plane.log")
    return logs


def _egress(config: ClusterConfig) -> None:
    log.setup("egress")
    egress.run(config)


def _host_forward(config: ClusterConfig, paths: Paths, sockets: Mapping[str, socket.socket], parking: Parking) -> None:
    log.setup("host-forward")
    client = http.connect(str(paths.kubeconfig))
    process.run(hostforward.run(config, client, sockets, parking), client)
