"""What can happen to a pod on its node: the words `update` listens to. An action's outcome is one of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from wherry.node.cgroups import CgroupLimits
from wherry.node.pods.plan.actions import Action
from wherry.node.pods.plan.state import Allocation, Failure, Pending, Progress, Sandbox
from wherry.node.probes.health import ContainerHealth
from wherry.node.runtime.instance import Instance
from wherry.objects import Object


@dataclass(frozen=True, slots=True)
class Began:
    """An action is under way."""

    action: Action


@dataclass(frozen=True, slots=True)
class Finished:
    """An action has ended: with an outcome, or without one if there is nothing to note."""

    action: Action
    outcome: Outcome | None = None


@dataclass(frozen=True, slots=True)
class Failed:
    """What `key` names, an action or a container, could not be done."""

    key: str
    failure: Failure


@dataclass(frozen=True, slots=True)
class VolumesReady:
    """The volumes are as they should be; `renew_at`: when a token in them must be renewed (epoch seconds)."""

    places: Mapping[str, Path]
    renew_at: float | None


@dataclass(frozen=True, slots=True)
class SandboxReady:
    """The sandbox is there."""

    sandbox: Sandbox


@dataclass(frozen=True, slots=True)
class Allocated:
    """The node has set this aside for the pod's containers, whose generation it is."""

    resources: Allocation
    progress: Progress


@dataclass(frozen=True, slots=True)
class Postponed:
    """The node cannot give what the pod wants; None: it wants nothing else any more."""

    pending: Pending | None


@dataclass(frozen=True, slots=True)
class Progressed:
    """What has been allocated is yet to be in force; None: it is."""

    progress: Progress | None


@dataclass(frozen=True, slots=True)
class Resized:
    """In force now: the `limits` of the pod's group, and by run id what containers have. `failure`: not all is."""

    limits: CgroupLimits
    runs: Mapping[str, Object]
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class RunBegan:
    """A container has a new run; it may have ended already."""

    run: Instance


@dataclass(frozen=True, slots=True)
class RunChanged:
    """Fields of a run's record have changed."""

    run: Instance
    changes: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class RunForgotten:
    """A run's record is gone."""

    run: Instance


@dataclass(frozen=True, slots=True)
class HealthChanged:
    """The probes of a run say something else; None: it is not probed any more."""

    run_id: str
    health: ContainerHealth | None


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Whoever follows the API has stopped sending the pod new connections."""


@dataclass(frozen=True, slots=True)
class Cleaned:
    """Nothing is left of the pod on this node."""


@dataclass(frozen=True, slots=True)
class Told:
    """The API has been told that nothing is left; `gone`: it had forgotten the pod already."""

    gone: bool


@dataclass(frozen=True, slots=True)
class Gone:
    """The API has the pod no more."""


@dataclass(frozen=True, slots=True)
class ReferenceChanged:
    """What the pod refers to, a ConfigMap, a Secret or its own labels and annotations, has changed."""


Outcome: TypeAlias = (
    VolumesReady | SandboxReady | Resized | RunBegan | RunChanged | RunForgotten | Withdrawn | Cleaned | Told | Failed
)
Event: TypeAlias = (
    Began | Finished | Outcome | HealthChanged | Gone | ReferenceChanged | Allocated | Postponed | Progressed
)
