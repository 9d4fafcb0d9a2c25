"""The process above the controller: puts it up again when it is killed, so that it finds its nginx still serving.

In a container the first process takes all others with it. So that is not the controller, which can be killed for its
memory or crash, but a process that does nothing but wait. nginx becomes its child when the controller is gone, and is
adopted by the next one (`nginx/process.py`).

The controller that starts puts the guardian above itself: it goes on in a child, and what it was becomes `watch.py`,
which has nothing of ours in its memory (5 MB; as a fork of the controller it had 28).
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys

from setproctitle import setproctitle

from wherry.ingress.guardian import watch

log = logging.getLogger(__name__)

_SET_PDEATHSIG, _SET_CHILD_SUBREAPER = 1, 36
"""From linux/prctl.h."""


def guard() -> None:
    """Go on in a child of a guardian, which runs this program anew whenever a signal has killed it.

    It passes SIGTERM and SIGINT on, and ends with its child's exit code. Its own end kills the child, but not nginx.
    Call it before there are threads or an event loop.
    """
    if before := os.environ.pop(watch.BEFORE, ""):
        guardian, number = map(int, before.split())
        log.error("the controller was killed by %s; this is the next one", signal.Signals(number).name)
        _become_child(guardian)
        return
    _prctl(_SET_CHILD_SUBREAPER, 1)
    signal.pthread_sigmask(signal.SIG_BLOCK, watch.WAITED)
    guardian = os.getpid()
    child = os.fork()
    if child == 0:
        _become_child(guardian)
        return
    program = [sys.executable, *sys.orig_argv[1:]]
    # Without site-packages and without the user's settings: it needs nothing but Python.
    os.execv(sys.executable, [sys.executable, "-S", "-E", watch.__file__, str(child), *program])


def _become_child(guardian: int) -> None:
    _prctl(_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != guardian:
        os._exit(1)  # it died before we could tie ourselves to it
    signal.pthread_sigmask(signal.SIG_UNBLOCK, watch.WAITED)
    setproctitle("wherry: ingress controller")


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0):
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))
