"""Nodes come and go while a cluster runs.

the verb                                           the init, at SIGHUP
certificates, cluster.json ──▶ SIGHUP ──▶  namespace and cable, a component more ──▶ its agent registers the Node
all of the node ends, cluster.json ──▶ SIGHUP ──▶  namespace and cable go        ──▶ the verb deletes the Node
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from msgspec import structs

from wherry.cluster import components, topology
from wherry.cluster.config import ClusterConfig, ConfigError, Node, plan_nodes
from wherry.cluster.paths import Paths
from wherry.cluster.supervisor import Component

log = logging.getLogger(__name__)


def with_node(config: ClusterConfig, name: str) -> ClusterConfig:
    """Return the cluster with one more node, NAME or NAME=IP; the others are as they were. Raises ConfigError. Pure."""
    there = ",".join(f"{node.name}={'+'.join(node.addresses)}" for node in config.nodes)
    planned = plan_nodes(f"{there},{name}", config.node_cidr, config.pod_cidr)
    taken = {node.pod_cidrs for node in config.nodes}
    free = next(node.pod_cidrs for node in planned if node.pod_cidrs not in taken)
    return structs.replace(config, nodes=(*config.nodes, structs.replace(planned[-1], pod_cidrs=free)))


def without_node(config: ClusterConfig, name: str) -> ClusterConfig:
    """Return the cluster without a node; raises ConfigError where it has none such, or needs it. Pure."""
    names = [node.name for node in config.nodes]
    if name not in names:
        raise ConfigError(f"cluster {config.name} has no node {name!r}; it has {', '.join(names)}")
    if name == config.control_plane.name:
        raise ConfigError(f"{name} is where the control plane is: `wherry down --purge` forgets all of the cluster")
    return structs.replace(config, nodes=tuple(node for node in config.nodes if node.name != name))


class Members:
    """The nodes there are, for the init."""

    def __init__(self, config: ClusterConfig, paths: Paths, sockets: components.Sockets):
        self._config = config
        self._paths = paths
        self._sockets = sockets

    def again(self) -> Sequence[Component]:
        """Make and let go of what the configuration says now, and return the components there are to be."""
        try:
            self._follow(ClusterConfig.load(self._paths.config))
        except (ConfigError, OSError) as error:
            log.error("the nodes stay as they are: %s", error)
        return components.of(self._config, self._paths, self._sockets)

    def _follow(self, wanted: ClusterConfig) -> None:
        before: Sequence[Node] = self._config.nodes
        for node in before:
            if node not in wanted.nodes:
                topology.remove(node)
                log.info("removed node=%s", node.name)
        for node in wanted.nodes:
            if node not in before:
                topology.add(node, wanted)
                log.info("added node=%s", node.name)
        self._config = structs.replace(self._config, nodes=wanted.nodes)
