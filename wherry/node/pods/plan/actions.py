"""What can be done next for a pod: the words `decide` speaks in. One is under way while its `key` is in `busy`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from wherry.node.runtime.instance import Instance


@dataclass(frozen=True, slots=True)
class MountVolumes:
    """Make the pod's volumes ready."""

    key = "volumes"


@dataclass(frozen=True, slots=True)
class RefreshVolumes:
    """Bring the content of the pod's volumes up to date."""

    key = "refresh"


@dataclass(frozen=True, slots=True)
class SetUp:
    """Make the pod's sandbox: namespaces, control group, network."""

    key = "sandbox"


@dataclass(frozen=True, slots=True)
class Resize:
    """Give the pod's running containers, and its control group, what is allocated to them."""

    key = "resize"


@dataclass(frozen=True, slots=True)
class Start:
    """Start the next run of a container: number `attempt`."""

    container: str
    attempt: int

    @property
    def key(self) -> str:
        """The container's name."""
        return self.container


@dataclass(frozen=True, slots=True)
class PostStart:
    """Run the postStart hook of the run that has just started."""

    container: str

    @property
    def key(self) -> str:
        """The hook's key: it runs beside the container."""
        return f"{self.container}/postStart"


@dataclass(frozen=True, slots=True)
class TellPullBackOff:
    """Say that an image that could not be pulled is waited for."""

    container: str

    @property
    def key(self) -> str:
        """A key of its own: the container may start meanwhile."""
        return f"{self.container}/pull"


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask a run to end within `grace` seconds in all. `why` is for the event; `again`: the next comes in any case."""

    container: str
    grace: float
    why: str
    again: bool = False

    @property
    def key(self) -> str:
        """The stop's key: it may come while a hook is running."""
        return f"{self.container}/stop"


@dataclass(frozen=True, slots=True)
class PreStop:
    """Run the preStop hook of a run that has been asked to end; it may take until `until` (epoch seconds)."""

    container: str
    until: float

    @property
    def key(self) -> str:
        """The hook's key."""
        return f"{self.container}/preStop"


@dataclass(frozen=True, slots=True)
class Signal:
    """Send a run its stop signal."""

    container: str

    @property
    def key(self) -> str:
        """The signal's key."""
        return f"{self.container}/signal"


@dataclass(frozen=True, slots=True)
class Kill:
    """End a run at once."""

    container: str

    @property
    def key(self) -> str:
        """The kill's key."""
        return f"{self.container}/kill"


@dataclass(frozen=True, slots=True)
class Retire:
    """Let go of what an ended run holds but its record and its log."""

    run: Instance

    @property
    def key(self) -> str:
        """One per run: the next may have begun."""
        return f"{self.run.id}/retire"


@dataclass(frozen=True, slots=True)
class Forget:
    """Remove the record and the log of a run that is not kept any more."""

    run: Instance

    @property
    def key(self) -> str:
        """One per run."""
        return f"{self.run.id}/forget"


@dataclass(frozen=True, slots=True)
class Withdraw:
    """Wait until those who follow the API send the pod no new connections."""

    key = "withdraw"


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Release everything the pod has on this node but its files."""

    key = "cleanup"


@dataclass(frozen=True, slots=True)
class Finish:
    """Tell the API that nothing of the deleted pod is left."""

    key = "finish"


Action: TypeAlias = (
    MountVolumes
    | RefreshVolumes
    | SetUp
    | Resize
    | Start
    | PostStart
    | TellPullBackOff
    | Stop
    | PreStop
    | Signal
    | Kill
    | Retire
    | Forget
    | Withdraw
    | CleanUp
    | Finish
)
