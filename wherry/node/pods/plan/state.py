"""What the node knows and remembers of one pod: the input of `decide` and of the status. Pure.

It is a value: `update` makes the next one, and the pod's worker is the only one that keeps it. Containers are known by
name. A container's runs are its last two, the latest last (and older ones until they are forgotten).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from wherry.node.cgroups import NO_LIMITS, CgroupLimits
from wherry.node.probes.health import HEALTHY, ContainerHealth
from wherry.node.runtime.instance import Instance
from wherry.objects import Object

Allocation = Mapping[str, Object]
"""By container, the `resources` the node has set aside for it."""


@dataclass(frozen=True, slots=True)
class Sandbox:
    """The pod's namespaces, control group and network: ready.

    `ips` are the pod's addresses, one of each family; `handler` is its RuntimeClass's, "" without one.
    `limits` are in force in its control group.
    """

    ips: tuple[str, ...]
    handler: str = ""
    limits: CgroupLimits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class Failure:
    """Why something could not be done at `at`, and when to try again (epoch seconds).

    `pause` is how long that wait was, for the next one to be longer. `image`: of a container, what it was to run; the
    wait ends with it, as the kubelet's back-off is one of pod and image.
    """

    reason: str
    message: str
    retry_at: float
    pause: float = 0.0
    at: float = 0.0
    image: str = ""


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why this node does not take the pod at all: it fails with this, and nothing of it is started."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True)
class Pending:
    """A resize that the node cannot do now, or ever: of which generation of the pod, and since when (epoch seconds)."""

    reason: str
    message: str
    generation: int
    since: float


@dataclass(frozen=True, slots=True)
class Progress:
    """A resize that has begun, likewise; `problem`: why its last try failed."""

    generation: int
    since: float
    problem: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class State:
    """Everything `decide` and the status look at beside the pod.

    places: where the pod's volumes are, None while they are not ready.
    volumes_due: when their content is to be looked at again (epoch seconds; 0: now), None for not at all.
    busy: the keys of actions under way.
    failures: by an action's key, why its last try failed.
    health: by run id; a run that is not listed has no probe.
    withdrawn: nobody who follows the API sends the pod new connections any more.
    gone: the pod is not in the API any more.
    told: the API has been told that nothing is left of the deleted pod; it may still wait for finalizers.
    refused: what the pod asks for that this node cannot do.
    rejected: what it asks for that no pod may, or that another here holds.
    cleaned: nothing is left of the pod on this node but its status.
    allocated: what the node has set aside for the containers; for one not in it, what the pod wants.
    pending, progress: the resize that waits, and the one under way.
    """

    sandbox: Sandbox | None = None
    places: Mapping[str, Path] | None = None
    volumes_due: float | None = None
    runs: Mapping[str, tuple[Instance, ...]] = field(default_factory=dict)
    busy: frozenset[str] = frozenset()
    failures: Mapping[str, Failure] = field(default_factory=dict)
    health: Mapping[str, ContainerHealth] = field(default_factory=dict)
    started_at: float = 0.0
    withdrawn: bool = False
    gone: bool = False
    told: bool = False
    refused: str = ""
    rejected: Rejection | None = None
    cleaned: bool = False
    allocated: Allocation = field(default_factory=dict)
    pending: Pending | None = None
    progress: Progress | None = None

    @property
    def ips(self) -> tuple[str, ...]:
        """The pod's addresses, none while it has none."""
        return self.sandbox.ips if self.sandbox is not None else ()

    @property
    def ip(self) -> str:
        """The pod's address in the node's first family, "" while it has none."""
        return self.ips[0] if self.ips else ""

    @property
    def handler(self) -> str:
        """Which OCI runtime runs the pod's containers, "" being the node's usual one."""
        return self.sandbox.handler if self.sandbox is not None else ""

    def every_run(self) -> Iterator[Instance]:
        """Yield the runs of all containers."""
        return (run for runs in self.runs.values() for run in runs)

    def latest(self, container: str) -> Instance | None:
        """Return the container's last run, an inherited one included."""
        runs = self.runs.get(container)
        return runs[-1] if runs else None

    def current(self, container: str) -> Instance | None:
        """Return the container's last run in this life of the node."""
        last = self.latest(container)
        return None if last is None or last.inherited else last

    def running(self, container: str) -> Instance | None:
        """Return the container's run that runs now, or None."""
        last = self.latest(container)
        return last if last is not None and last.running else None

    def before(self, run: Instance) -> Instance | None:
        """Return the run before `run`."""
        earlier = [other for other in self.runs.get(run.container, ()) if other.attempt < run.attempt]
        return earlier[-1] if earlier else None

    def is_started(self, container: Object) -> bool:
        """Tell whether the container runs, with its postStart hook and its startup probe behind it."""
        last = self.current(container["name"])
        return last is not None and last.running and last.hook in ("none", "done") and self.health_of(last).started

    def health_of(self, run: Instance) -> ContainerHealth:
        """Return what the probes say of a run."""
        return self.health.get(run.id, HEALTHY)
