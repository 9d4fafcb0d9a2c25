"""What a pod's worker knows and remembers, shared by the parts that act on the pod. It is what `plan` observes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from pathlib import Path

from wherry.component.events import EventKind
from wherry.node.pods import state, unsupported
from wherry.node.pods.runs import Runs
from wherry.node.pods.services import NodeServices
from wherry.node.pods.state import Health, Observed, Sandbox, Waiting
from wherry.node.runtime.instance import Instance
from wherry.objects import Object, metadata, timestamps
from wherry.objects.resource import PODS


class Memory:
    """One pod on this node. Whoever changes something here sets `changed`, and the worker plans anew.

    places: where the pod's volumes are, None while they are not ready. The other fields are as in `Observed`.
    """

    def __init__(self, node: NodeServices, pod: Object, found: Iterable[Instance] = ()):
        self.pod = pod
        self.uid: str = pod["metadata"]["uid"]
        self.runs = Runs(node.containers, found)
        self.changed = asyncio.Event()
        self.busy: set[str] = set()
        self.failed: dict[str, Waiting] = {}
        self.health: dict[str, Health] = {}
        self.sandbox: Sandbox | None = node.sandboxes.find(self.uid)
        self.places: dict[str, Path] | None = None
        self.volumes_due: float | None = None
        self.gone = False
        self.told = False
        self.cleaned = not (node.sandboxes.folder(self.uid).exists() or node.volumes.hold(self.uid))
        self.refused = "; ".join(unsupported.refusals(pod))
        self._events = node.events
        began = (pod.get("status") or {}).get("startTime")
        self._started_at = timestamps.parse(began) if began else time.time()

    def observe(self) -> Observed:
        """Return all of it, as it is now."""
        return Observed(
            sandbox=self.sandbox,
            volumes=self.places is not None,
            volumes_due=self.volumes_due,
            instances=self.runs.snapshot(),
            busy=frozenset(self.busy),
            failed=dict(self.failed),
            health=dict(self.health),
            started_at=self._started_at,
            gone=self.gone,
            told=self.told,
            refused=self.refused,
            cleaned=self.cleaned,
        )

    @property
    def name(self) -> str:
        """`NAME_NAMESPACE`, as the kubelet calls pods in its messages."""
        namespace, name = metadata.key(self.pod)
        return f"{name}_{namespace}"

    @property
    def ip(self) -> str:
        """The pod's address, "" while it has none."""
        return self.sandbox.ip if self.sandbox is not None else ""

    def container(self, name: str) -> Object:
        """Return a container's spec."""
        return next(c for c in state.everyone(self.pod) if c["name"] == name)

    def running(self, name: str) -> tuple[Instance | None, Object]:
        """Return a container's run, None if it does not run now, and its spec."""
        run = self.runs.latest(name)
        return (run if run is not None and run.running else None), self.container(name)

    def event(self, kind: EventKind, reason: str, message: str, container: Object | None = None) -> None:
        """Tell of something that happened to the pod, or to one of its containers."""
        path = ""
        if container is not None:
            field = "initContainers" if container in state.init_containers(self.pod) else "containers"
            path = f"spec.{field}{{{container['name']}}}"
        self._events.event(PODS, self.pod, kind, reason, message, field_path=path)
