"""``python -m wherry.cluster.snapshots.stillness PID``: a sandbox stands still until standard input ends.

A process of its own, so that a snapshot that is killed leaves no cluster that stands still for ever. It prints a line
when nothing runs any more. Parents are stopped before their children, so that nobody is restarted or missed; who was
stopped before stays so.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.cluster import memory

ROUNDS = 100
STILL = ("T", "t", "Z", "X")
"""The states of who does not run (proc_pid_stat(5)): stopped, traced, dead."""


@contextmanager
def still(init: int) -> Iterator[None]:
    """Have every process of the sandbox of `init` stopped for the body."""
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "wherry.cluster.snapshots.stillness", str(init)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
        cwd="/",
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        if not process.stdout.readline():
            raise OSError(f"the processes of {init} do not stand still")
        yield
    finally:
        process.stdin.close()
        process.stdout.close()
        process.wait()


def _state(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return "X"


def _stop(init: int, stopped: list[int]) -> bool:
    """Stop everybody, adding them to `stopped`; whoever was being forked meanwhile is found in the next round."""
    for _ in range(ROUNDS):
        pids = memory.below(init)
        fresh = [pid for pid in pids if pid not in stopped and _state(pid) not in STILL]
        if not fresh and all(_state(pid) in STILL for pid in pids):
            return True
        for pid in fresh:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)
                stopped.append(pid)
    return False


def main(init: int) -> int:
    """Be the process."""
    stopped: list[int] = []
    try:
        if not _stop(init, stopped):
            return 1
        sys.stdout.write("still\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        for pid in reversed(stopped):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
