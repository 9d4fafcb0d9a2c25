"""The process above the controller: puts it up again when it is killed, so that it finds its nginx still serving.

In a container the first process takes all others with it. So that is not the controller, which can be killed for its
memory or crash, but a process that does nothing but wait. nginx becomes its child when the controller is gone, and is
adopted by the next one (`nginx/process.py`).
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import sys
import time

from setproctitle import setproctitle

from wherry.component.backoff import Backoff

log = logging.getLogger(__name__)

FIRST_SECONDS = 0.05
LONGEST_SECONDS = 10.0
CALM_SECONDS = 60.0
_WAITED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT)
_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
"""From linux/prctl.h."""


def guard() -> None:
    """Go on in a child, and in another one whenever a signal has killed that: the caller itself never comes back.

    It passes SIGTERM and SIGINT on, and ends with its child's exit code. Its own end kills the child, but not nginx.
    Call it before there are threads or an event loop.
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, _WAITED)
    _prctl(_SET_CHILD_SUBREAPER, 1)
    gc.collect()
    gc.freeze()  # what is shared with the children stays so
    backoff = Backoff(FIRST_SECONDS, LONGEST_SECONDS, CALM_SECONDS)
    guardian = os.getpid()
    while True:
        started = time.monotonic()
        child = os.fork()
        if child == 0:
            _become_child(guardian)
            return
        status = _watch(child)
        if not os.WIFSIGNALED(status):
            sys.exit(os.waitstatus_to_exitcode(status))
        pause = backoff.failed(time.monotonic() - started)
        log.error("the controller was killed by %s, again in %.2f s", signal.Signals(os.WTERMSIG(status)).name, pause)
        if signal.sigtimedwait((signal.SIGTERM, signal.SIGINT), pause):
            sys.exit(0)


def _become_child(guardian: int) -> None:
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != guardian:
        os._exit(1)  # it died before we could tie ourselves to it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _WAITED)
    setproctitle("wherry: ingress controller")


def _watch(child: int) -> int:
    """Pass signals on to the child until it ends, bury everybody else's orphans, and return its status."""
    while True:
        number = signal.sigwait(_WAITED)
        if number != signal.SIGCHLD:
            os.kill(child, number)
            continue
        while (ended := os.waitpid(-1, os.WNOHANG)) != (0, 0):
            if ended[0] == child:
                return ended[1]


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
