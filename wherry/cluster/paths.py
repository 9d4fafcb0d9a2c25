"""Where a cluster keeps its files.

DATA/cluster.json      the configuration          DATA/state.db       every API object (SQLite)
DATA/pki/              CA, certificates, keys     DATA/nodes/NAME/    a node's file system changes, pod files
DATA/logs/             one log per component      DATA/init.json      the running init (pid and start time)
DATA/admin.conf        kubeconfig for the nodes   DATA/kubeconfig     kubeconfig for the host
DATA/encryption.yaml   with --secrets-encryption: the key that Secrets are encrypted by
DATA/images/           images, for all nodes      DATA/snapshots/     the cluster as it was
/run/wherry/           inside the sandbox only: a tmpfs with namespaces, sockets, node run directories
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

RUN = Path("/run/wherry")
NETNS = RUN / "netns"
OFF = RUN / "off"
"""A file for each node that is switched off."""


def data_home() -> Path:
    """The XDG data directory for wherry (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME") or str(Path.home() / ".local" / "share")
    return Path(base) / "wherry"


@dataclass(frozen=True, slots=True)
class Paths:
    """The files of one cluster, below its data directory."""

    data: Path

    @property
    def config(self) -> Path:
        """The saved `ClusterConfig`."""
        return self.data / "cluster.json"

    @property
    def state(self) -> Path:
        """The SQLite database."""
        return self.data / "state.db"

    @property
    def encryption(self) -> Path:
        """The EncryptionConfiguration made for the cluster, if one was asked for."""
        return self.data / "encryption.yaml"

    @property
    def pki(self) -> Path:
        """Certificates and keys."""
        return self.data / "pki"

    @property
    def logs(self) -> Path:
        """One file per component."""
        return self.data / "logs"

    @property
    def init(self) -> Path:
        """Which process is the sandbox's init."""
        return self.data / "init.json"

    @property
    def merged(self) -> Path:
        """Which of the users' kubeconfigs the cluster's context was put into."""
        return self.data / "merged.json"

    @property
    def kubeconfig(self) -> Path:
        """The admin's kubeconfig, for the host."""
        return self.data / "kubeconfig"

    @property
    def admin_conf(self) -> Path:
        """The admin's kubeconfig, for inside the nodes."""
        return self.data / "admin.conf"

    @property
    def cgroup(self) -> str:
        """The control group of its processes, while the directory exists; two users' clusters may have one name."""
        identity = self.data.stat()
        return f"/wherry-{self.data.name}-{identity.st_dev:x}-{identity.st_ino:x}"

    @property
    def images(self) -> Path:
        """The images that were pulled or loaded, for all nodes."""
        return self.data / "images"

    @property
    def snapshots(self) -> Path:
        """A folder for each snapshot."""
        return self.data / "snapshots"

    def node(self, name: str) -> Path:
        """What a node keeps across `down` and `up`."""
        return self.data / "nodes" / name


def node_run(name: str) -> Path:
    """What a node keeps while the sandbox lives."""
    return RUN / "nodes" / name


def node_namespace(name: str) -> Path:
    """A node's network namespace."""
    return NETNS / name


LAN_NAMESPACE = NETNS / "lan"
MACHINE_NAMESPACE = Path("/proc/1/ns/net")
"""The machine's own network namespace, as the sandbox's init has not left it."""
