"""What is told of a run that has ended: exit code, reason, termination message. Blocks: call it in a thread.

Source: k8s.io/api/core/v1 Container terminationMessagePath and terminationMessagePolicy; the limits are those of
kubernetes pkg/kubelet/container/runtime.go.
"""

from __future__ import annotations

from pathlib import Path

from wherry.node.pods.plan import pause_after
from wherry.node.pods.preparing import TERMINATION_LOG
from wherry.node.runtime.conmon import Exit
from wherry.node.runtime.instance import Instance
from wherry.objects import Object

MESSAGE_BYTES = 4096
LOG_BYTES = 2048
LOG_LINES = 80


def reason(end: Exit) -> str:
    """Return the reason of a terminated state."""
    if end.out_of_memory:
        return "OOMKilled"
    if end.lost:
        return "ContainerStatusUnknown"
    return "Completed" if end.code == 0 else "Error"


def changes(end: Exit, run: Instance, previous: Instance | None, message: str) -> dict[str, object]:
    """Return the fields of the run's record that its end changes."""
    at = max(end.at, run.started_at)
    return {
        "finished_at": at,
        "exit_code": end.code,
        "reason": reason(end),
        "message": message,
        "backoff": pause_after(run, previous, at),
    }


def message(container: Object, code: int, bundle: Path, log: Path) -> str:
    """Return the termination message: what the container wrote, or the end of its log if its policy says so."""
    text = _tail(bundle / TERMINATION_LOG, MESSAGE_BYTES)
    fallback = container.get("terminationMessagePolicy") == "FallbackToLogsOnError"
    if text or not fallback or code == 0:
        return text
    lines = _tail(log, 4 * LOG_BYTES).splitlines()[-LOG_LINES:]
    plain = "\n".join(line.split(" ", 3)[-1] for line in lines)
    return plain[-LOG_BYTES:]


def _tail(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - limit))
            return file.read(limit).decode(errors="replace")
    except OSError:
        return ""
