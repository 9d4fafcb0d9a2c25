"""One run of a container: what is known of it, kept as a small JSON file so that it outlives the agent. Pure."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

HookState = Literal["none", "pending", "done", "failed"]

LOST_EXIT_CODE = 255
LOST_REASON = "Unknown"


class Instance(msgspec.Struct, frozen=True, kw_only=True):
    """A run of `container` of a pod; the next run is another Instance, with `attempt` one higher.

    Times are seconds since the epoch, 0 for "not yet". `backoff`: how long to wait after its end before the next run;
    `ends`: what a critical pod's `Restarts` remembers.
    `handler`: the OCI runtime it is run by, "" being the node's usual one.
    `hook`: its postStart hook. `stopping_at`: when its end was asked for; `hooked_at`: when its preStop hook was
    through; `signalled_at`: when it got its stop signal; `killed_at`: when it got SIGKILL. `retired`: it has ended, and
    nothing but its record and its log is left. `resources`: those in force, as its container's spec has them; `again`:
    its end was asked for so that it starts with others. `inherited`: told by the API only: it ran in an earlier life of
    this node, of which nothing else is left.
    """

    id: str
    pod_uid: str
    container: str
    attempt: int
    image: str
    image_id: str
    handler: str = ""
    stop_signal: str = "SIGTERM"
    created_at: float = 0.0
    started_at: float = 0.0
    backoff: float = 0.0
    ends: float = 0.0
    hook: HookState = "none"
    stopping_at: float = 0.0
    stopping_grace: float = 0.0
    hooked_at: float = 0.0
    signalled_at: float = 0.0
    killed_at: float = 0.0
    finished_at: float = 0.0
    exit_code: int = 0
    reason: str = ""
    message: str = ""
    retired: bool = False
    resources: dict[str, Any] = {}
    again: bool = False
    inherited: bool = False

    @property
    def running(self) -> bool:
        """Whether it has started and not ended."""
        return self.started_at > 0 and self.finished_at == 0

    @property
    def finished(self) -> bool:
        """Whether it has ended."""
        return self.finished_at > 0

    @property
    def needs_retiring(self) -> bool:
        """Whether it has ended and still holds something here."""
        return self.finished and not self.retired and not self.inherited

    @property
    def succeeded(self) -> bool:
        """Whether it has ended with exit code 0."""
        return self.finished and self.exit_code == 0

    def but(self, **changes: object) -> Instance:
        """Return a copy with some fields changed."""
        return msgspec.structs.replace(self, **changes)
