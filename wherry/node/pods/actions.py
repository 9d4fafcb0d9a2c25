"""What can be done next for a pod: the words `plan` speaks in. An action is under way while its `key` is in `busy`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


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
class Start:
    """Start the next run of a container: number `attempt`, with the pause that will follow its end."""

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
class Stop:
    """Ask a run to end: preStop hook, then its stop signal; `grace` seconds in all. `why` is for the event."""

    container: str
    grace: float
    why: str

    @property
    def key(self) -> str:
        """The stop's key: it may come while a hook is running."""
        return f"{self.container}/stop"


@dataclass(frozen=True, slots=True)
class Kill:
    """End a run at once."""

    container: str

    @property
    def key(self) -> str:
        """The kill's key."""
        return f"{self.container}/kill"


@dataclass(frozen=True, slots=True)
class CleanUp:
    """Release everything the pod has on this node but its files."""

    key = "cleanup"


@dataclass(frozen=True, slots=True)
class Finish:
    """Tell the API that nothing of the deleted pod is left."""

    key = "finish"


Action: TypeAlias = MountVolumes | RefreshVolumes | SetUp | Start | PostStart | Stop | Kill | CleanUp | Finish
