"""What a node agent is told when it is started."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wherry.objects import Object
from wherry.objects.family import Family, family_of

KUBELET_PORT = 10250
POD_PIDS_LIMIT = 1024
"""As CRI-O's for a container was; the kubelet's podPidsLimit has none where nobody sets it."""


@dataclass(frozen=True, kw_only=True)
class NodeConfig:
    """One node.

    addresses: on the nodes' network, and pod_cidrs: the ranges its pods get theirs from; one per family, in one order.
    state_dir: kept for good: the node's file system, logs, emptyDirs; its file system must do as an overlay's upper.
    run_dir: on a tmpfs, gone with the sandbox: namespaces, containers, secrets.
    image_maps: see `wherry.node.images.imagemap`; the built-in map comes last.
    images: the store that the cluster's nodes share; without one there are only maps. registries: see
    `wherry.images.registries`. machine_network: the machine's network namespace, from which registries are asked, but
    those in the `near` networks, the cluster's own; None where the agent is in it.
    name_servers: what pods of dnsPolicy Default ask in place of the machine's, which they may not reach.
    taints: given to the Node when it is first registered. cgroup_parent: an absolute path, as "/wherry-default/node1".
    runtime: "crun", "runc" or "auto". hidden: folders of the host that containers must not see, beside `state_dir`.
    pod_pids_limit: how many processes and threads a pod may have.
    static_pods: the folders whose files are pods of this node, whatever the API says.
    component_logs: log files of the components that run on this node, by the name `/logs/` shows (`kubelet.log`).
    """

    name: str
    addresses: Sequence[str]
    pod_cidrs: Sequence[str]
    cluster_dns: str
    cluster_domain: str
    state_dir: Path
    run_dir: Path
    serving_certificate: Path
    serving_key: Path
    client_ca: Path
    image_maps: Sequence[Path] = ()
    images: Path | None = None
    registries: Path | None = None
    machine_network: Path | None = None
    near: Sequence[str] = ()
    name_servers: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    taints: Sequence[Object] = ()
    cgroup_parent: str = "/wherry"
    runtime: str = "auto"
    port: int = KUBELET_PORT
    pod_pids_limit: int = POD_PIDS_LIMIT
    hidden: Sequence[Path] = ()
    component_logs: Mapping[str, Path] = field(default_factory=dict)
    static_pods: Sequence[Path] = ()

    @property
    def address(self) -> str:
        """The address in the node's first family."""
        return self.addresses[0]

    @property
    def families(self) -> list[Family]:
        """The node's families, the first one first."""
        return [family_of(address) for address in self.addresses]
