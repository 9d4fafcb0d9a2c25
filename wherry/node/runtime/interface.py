"""What the streaming server may ask of the containers on this node, and nothing more.

The server (`wherry.node.streaming`) holds a `ContainerRuntime`; the agent is the one that implements it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wherry.objects import Object


@dataclass(frozen=True, slots=True)
class ContainerHandle:
    """Where one container is to be found. Paths are valid in the agent's mount namespace.

    id: the OCI runtime's container id.
    binary, root: the runtime and its state directory, for `BINARY --root ROOT exec|state|kill … ID`.
    bundle: the folder of the container's `config.json`; its `process` is what an exec starts from (env, cwd, user).
    pid: the container's first process as the agent sees it; 0 when it does not run.
    tty, stdin: as the pod's spec asks for this container.
    log_path: the current instance's log in CRI format (`<RFC 3339 nano> stdout|stderr F|P <text>`);
        the file may not exist yet.
    previous_log_path: the log of the instance before the last restart; None when there is none.
    attach_socket: conmon's socket for attaching, a SOCK_SEQPACKET unix socket: each packet it sends is one byte of pipe
        number (2 stdout, 3 stderr) and data; what is written to it reaches the container's stdin.
    network_namespace: the pod's network namespace (a bind mount); None for a hostNetwork pod, which uses the node's
        own, the one the agent itself runs in.
    """

    id: str
    namespace: str
    pod: str
    container: str
    binary: Path
    root: Path
    bundle: Path
    pid: int
    tty: bool
    stdin: bool
    log_path: Path
    previous_log_path: Path | None
    attach_socket: Path
    network_namespace: Path | None

    @property
    def running(self) -> bool:
        """Whether it has a process now."""
        return self.pid > 0


class ContainerRuntime(Protocol):
    """The node's pods and containers, for reading. Answers come from memory: nothing here blocks."""

    def pods(self) -> list[Object]:
        """Return the pods bound to this node, with their status as last written."""
        ...

    def find(self, namespace: str, pod: str, container: str = "") -> ContainerHandle:
        """Return one container, running or not; without a name, the pod's only one or the one its annotation
        `kubectl.kubernetes.io/default-container` names.

        Raises `NotFound` for a pod that is not on this node, and `BadRequest`, with the kubelet's words, for a
        container that is not in the pod's spec, has not been created yet, or must be named because there are several.
        """
        ...

    def network_namespace(self, namespace: str, pod: str) -> Path | None:
        """Return the pod's network namespace, None when it is the node's own; raises `NotFound`, or `BadRequest` while
        the pod has no network yet."""
        ...
