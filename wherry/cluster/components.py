"""The processes of a cluster, and what each runs. All are children of the init; none knows another.

control-plane   API server, controllers, scheduler, addons; in the first node's network namespace
node-NAME       the node agent of one node, in that node's network namespace
host-forward    the host's loopback → NodePorts and ingress; the only one in the host's network namespace
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import uvloop  # noqa: F401 - shared by all

# What the components share is imported here, once, before the init forks them: see supervisor.py. So is what only the
# control plane needs, which is to be back at once when it is killed. A lone node's agent imports what it needs itself.
from wherry.client import http, kubeconfig
from wherry.cluster import controlplane
from wherry.cluster.config import ClusterConfig, Node
from wherry.cluster.hostforward import run as hostforward
from wherry.cluster.hostforward.parking import Parking
from wherry.cluster.paths import RUN, Paths, node_namespace, node_run
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


def of(config: ClusterConfig, paths: Paths, listeners: Mapping[str, socket.socket]) -> list[Component]:
    """Return the components, given the host-side sockets `api`, `http` and `https`.

    The init keeps every listening socket open across restarts, so that clients wait a moment instead of being refused.
    """
    if len(config.nodes) > 1:
        import wherry.node.agent  # noqa: F401 - shared by the nodes
    first = config.control_plane
    lan_api = namespaces.run(node_namespace(first.name), listen, first.address, API_PORT)
    api_sockets = [listeners["api"], lan_api]
    ingress_sockets = {name: listeners[name] for name in ("http", "https")}
    return [
        Component("control-plane", partial(_control_plane, config, paths, api_sockets)),
        *(Component(f"node-{n.name}", partial(_node, n, config, paths)) for n in config.nodes),
        Component("host-forward", partial(_host_forward, config, paths, ingress_sockets, Parking())),
    ]


def _control_plane(config: ClusterConfig, paths: Paths, sockets: list[socket.socket]) -> None:
    log.setup("control-plane")
    namespaces.enter(node_namespace(config.control_plane.name))
    process.run(controlplane.run(config, paths, sockets))


def _node(node: Node, config: ClusterConfig, paths: Paths) -> None:
    log.setup(f"node-{node.name}")
    namespaces.enter(node_namespace(node.name))
    server = kubeconfig.Config(
        server=f"https://{bracketed(config.control_plane.address)}:{API_PORT}",
        ca=(paths.pki / "ca.crt").read_bytes(),
        client_certificate=(paths.pki / f"node-{node.name}.crt").read_bytes(),
        client_key=(paths.pki / f"node-{node.name}.key").read_bytes(),
    )
    from wherry.node import agent

    client = http.HttpClient(server)
    process.run(agent.run(node_config(node, config, paths), client), client)


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
        labels=labels,
        taints=taints,
        cgroup_parent=f"/wherry-{config.name}/{node.name}",
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


def _host_forward(config: ClusterConfig, paths: Paths, sockets: Mapping[str, socket.socket], parking: Parking) -> None:
    log.setup("host-forward")
    client = http.connect(str(paths.kubeconfig))
    process.run(hostforward.run(config, client, sockets, parking), client)
