"""Reading what a run leaves when it ends: its termination message. Blocks: call it in a thread.

Source: k8s.io/api/core/v1 Container terminationMessagePath and terminationMessagePolicy; the limits are those of
kubernetes pkg/kubelet/container/runtime.go.
"""

from __future__ import annotations

from pathlib import Path

from wherry.node.pods.act.prepare import TERMINATION_LOG
from wherry.node.pods.status import exits
from wherry.objects import Object

MESSAGE_BYTES = 4096


def message(container: Object, code: int, bundle: Path, log: Path) -> str:
    """Return the termination message: what the container wrote, or the end of its log if its policy says so."""
    text = _tail(bundle / TERMINATION_LOG, MESSAGE_BYTES)
    if text or not exits.falls_back_on_log(container, code):
        return text
    return exits.message_of_log(_tail(log, 4 * exits.LOG_BYTES).splitlines())


def _tail(path: Path, limit: int) -> str:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - limit))
            return file.read(limit).decode(errors="replace")
    except OSError:
        return ""
