"""The guardian itself: waits for a process and runs it anew whenever it is killed.

    python -S -E watch.py PID PROGRAM ARGUMENT…

A script of its own that imports nothing of wherry, nor anything large: it is to be small, and it never works.
"""

import os
import signal
import sys
import time

FIRST_SECONDS = 0.05
LONGEST_SECONDS = 10.0
CALM_SECONDS = 60.0
"""The pause after a kill, the longest after many in a row, and how long a run makes the next kill the first again."""

WAITED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
"""Blocked by whoever starts this script, so that none is lost."""
BEFORE = "WHERRY_INGRESS_BEFORE"
"""The variable that tells a program run anew of its guardian (process id), and which signal ended the one before."""


def main(child: int, program: list[str]) -> None:
    """Wait for `child` and its successors until one ends by itself, and exit as that does."""
    pause, started = FIRST_SECONDS, time.monotonic()
    while os.WIFSIGNALED(status := _watch(child)):
        if time.monotonic() - started >= CALM_SECONDS:
            pause = FIRST_SECONDS
        if signal.sigtimedwait((signal.SIGTERM, signal.SIGINT), pause):
            sys.exit(0)
        pause, started = min(2 * pause, LONGEST_SECONDS), time.monotonic()
        child = os.spawnve(
            os.P_NOWAIT, program[0], program, os.environ | {BEFORE: f"{os.getpid()} {os.WTERMSIG(status)}"}
        )
    sys.exit(os.waitstatus_to_exitcode(status))


def _watch(child: int) -> int:
    """Pass signals on to the child until it ends, bury everybody else's orphans, and return its status."""
    while True:
        number = signal.sigwait(WAITED)
        if number != signal.SIGCHLD:
            os.kill(child, number)
            continue
        while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            if ended[0] == child:
                return ended[1]


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
