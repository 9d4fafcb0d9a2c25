"""How a run has ended: what its record says from then on. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from wherry.node.pods.plan.backoff import next_start
from wherry.node.runtime.conmon import Exit
from wherry.node.runtime.instance import Instance
from wherry.objects import Object

LOG_BYTES = 2048
LOG_LINES = 80


def reason(end: Exit) -> str:
    """Return the reason of a terminated state."""
    if end.out_of_memory:
        return "OOMKilled"
    if end.lost:
        return "ContainerStatusUnknown"
    return "Completed" if end.code == 0 else "Error"


def changes(pod: Object, end: Exit, run: Instance, previous: Instance | None, message: str) -> dict[str, object]:
    """Return the fields of the record of a pod's run that its end changes."""
    at = max(end.at, run.started_at)
    return {
        "finished_at": at,
        "exit_code": end.code,
        "reason": reason(end),
        "message": message,
        **next_start(pod, run, previous, at),
    }


def falls_back_on_log(container: Object, code: int) -> bool:
    """Tell whether the end of its log stands in for a termination message that a container has not written."""
    return container.get("terminationMessagePolicy") == "FallbackToLogsOnError" and code != 0


def message_of_log(lines: Sequence[str]) -> str:
    """Return the termination message made of the end of a log in CRI format."""
    plain = "\n".join(line.split(" ", 3)[-1] for line in lines[-LOG_LINES:])
    return plain[-LOG_BYTES:]
