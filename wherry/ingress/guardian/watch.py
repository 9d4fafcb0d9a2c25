"""The guardian itself: waits for a process and runs it anew whenever it is killed.

    python -S -E watch.py PID PROGRAM ARGUMENT…

A script of its own that imports nothing large, and of wherry the rule for restarts alone: it is to be small, and it
never works.
"""

import os
import signal
import sys
import time

sys.path.append(__file__.rpartition("/wherry/")[0])  # which `-S` leaves out
from wherry.component.restarts import Restarts

WAITED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
"""Blocked by whoever starts this script, so that none is lost."""
BEFORE = "WHERRY_INGRESS_BEFORE"
"""The variable that tells a program run anew of its guardian (process id), and which signal ended the one before."""


def main(child: int, program: list[str]) -> None:
    """Wait for `child` and its successors until one ends by itself, and exit as that does."""
    restarts, started = Restarts(), time.monotonic()
    while os.WIFSIGNALED(status := _watch(child)):
        pause = restarts.ended(time.monotonic() - started)
        if signal.sigtimedwait((signal.SIGTERM, signal.SIGINT), pause):
            sys.exit(0)
        started = time.monotonic()
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
