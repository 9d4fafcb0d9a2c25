"""The sandbox's PID 1: starts the components, restarts the ones that die, reaps everybody's orphans.

Components are forked from here, after the modules they share are imported: a fork costs a millisecond and shares the
imported pages, where a fresh interpreter costs a third of a second and 30 MB each. The init itself runs no event loop
and no thread, so forking stays safe. What is there before the fork is kept from the garbage collector, which would
write into every page of it.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from msgspec import structs
from setproctitle import setproctitle

from wherry.cluster import reports
from wherry.cluster.reports import Report
from wherry.component.restarts import Restarts
from wherry.telemetry import logfile

log = logging.getLogger(__name__)

SETTLED_SECONDS = 10.0
"""How long a component runs before it is said to run, and its next end to be the first in a row."""
STOP_SECONDS = 5.0


HOPELESS = os.EX_CONFIG
"""The exit code of a component that raised `CannotStart`."""


class CannotStart(Exception):
    """A component cannot do its work, and could not after another start, until somebody mends what the message says.

    It is started again all the same, later and later: what was wrong may be mended meanwhile.
    """


@dataclass
class Component:
    """A process: its name, and what it does (returns when told to stop, or raises).

    `wanted` says whether it is to run now; it is asked again at each end, and at SIGHUP. Who does not want it any more
    ends it.
    `failures` counts its ends in a row; `last_words` is the reading end of a pipe on which the process says what it
    dies of.
    """

    name: str
    run: Callable[[], None]
    wanted: Callable[[], bool] = lambda: True
    pid: int = 0
    started: float = 0.0
    restarts: Restarts = field(default_factory=Restarts)
    failures: int = 0
    due: float = 0.0
    last_words: int = -1
    report: Report | None = None


class Supervisor:
    """Keeps `components` running until SIGTERM or SIGINT; logs go to `logs`/NAME.log.

    `again` is asked at SIGHUP what they are now: new ones are started, those that ended run as it says from then on,
    and who is not among them is not started again. It raises nothing.
    """

    def __init__(
        self, components: Sequence[Component], logs: Path, again: Callable[[], Sequence[Component]] | None = None
    ):
        self._components = list(components)
        self._logs = logs
        self._again = again
        self._stopping = False

    def run(self) -> None:
        """Supervise until told to stop, then end every process of the namespace."""
        waited = {signal.SIGCHLD, signal.SIGHUP, signal.SIGTERM, signal.SIGINT}
        signal.pthread_sigmask(signal.SIG_BLOCK, waited)
        gc.collect()
        gc.freeze()
        while not self._stopping:
            now = time.monotonic()
            for component in self._components:
                if not component.pid and component.due <= now and component.wanted():
                    self._start(component)
            self._wait(waited)
            self._reap()
        self._stop()

    def _wait(self, waited: set[signal.Signals]) -> None:
        """Sleep until a signal, or until the next component that is wanted is due."""
        due = [c.due for c in self._components if not c.pid and c.wanted()]
        pause = min(due) - time.monotonic() if due else None
        got = signal.sigwaitinfo(waited) if pause is None else signal.sigtimedwait(waited, max(0.0, pause))
        if got and got.si_signo in (signal.SIGTERM, signal.SIGINT):
            self._stopping = True
        if got and got.si_signo == signal.SIGHUP and self._again:
            self._change(self._again())

    def _change(self, now: Sequence[Component]) -> None:
        known = {component.name: component for component in self._components}
        names = {component.name for component in now}
        for component in now:
            if component.name in known:
                known[component.name].run, known[component.name].wanted = component.run, component.wanted
            else:
                self._components.append(component)
        for component in self._components:
            if component.name not in names:
                component.wanted = _never

    def _start(self, component: Component) -> None:
        component.started = time.monotonic()
        component.last_words, words = os.pipe()
        pid = os.fork()
        if pid == 0:
            _become(component, self._logs, words)
        os.close(words)
        component.pid = pid
        if component.report:
            component.report = structs.replace(component.report, settled=time.time() + SETTLED_SECONDS)
            self._report()
        log.info("started component=%s pid=%d", component.name, pid)

    def _reap(self) -> None:
        """Collect every ended child: our components are put up again, orphans are just buried."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for component in self._components:
                if component.pid == pid:
                    self._ended(component, status)

    def _ended(self, component: Component, status: int) -> None:
        now = time.monotonic()
        component.pid = 0
        if not component.wanted():
            component.due, component.failures, component.report = now, 0, None
            _heard(component)
            self._report()
            log.info("ended component=%s: not wanted any more", component.name)
            return
        lasted = now - component.started
        component.failures = 1 if lasted >= SETTLED_SECONDS else component.failures + 1
        pause = component.restarts.ended(lasted)
        component.due = now + pause
        reason = _heard(component) or _describe(status)
        hopeless = os.waitstatus_to_exitcode(status) == HOPELESS
        component.report = Report(component.name, component.failures, reason, hopeless)
        self._report()
        log.warning("ended component=%s: %s; again in %.2f s", component.name, reason, pause)

    def _report(self) -> None:
        reports.write(c.report for c in self._components if c.report and c.report.failures)

    def _stop(self) -> None:
        """Ask everybody to end, wait a little; returning ends the init, and with it whatever is left."""
        log.info("stopping")
        try:
            os.kill(-1, signal.SIGTERM)
        except ProcessLookupError:
            return
        _kill_the_deaf()
        end = time.monotonic() + STOP_SECONDS
        while time.monotonic() < end:
            try:
                pid, _ = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                signal.sigtimedwait({signal.SIGCHLD}, 0.2)


def _never() -> bool:
    return False


def _kill_the_deaf() -> None:
    """End who would never notice SIGTERM: the first process of a pod, without a handler for it (pid_namespaces(7))."""
    for process in Path("/proc").iterdir():
        if process.name.isdigit() and int(process.name) != os.getpid() and not _hears(process, signal.SIGTERM):
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(process.name), signal.SIGKILL)


def _hears(process: Path, number: signal.Signals) -> bool:
    """Tell whether a process catches a signal, or has it blocked to wait for it (proc_pid_status(5))."""
    try:
        lines = (process / "status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return True  # gone already
    masks = dict(line.split(":\t") for line in lines if line.startswith(("SigBlk:", "SigCgt:")))
    return any(int(mask, 16) >> (number - 1) & 1 for mask in masks.values())


def _describe(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    return f"exit {code}" if code >= 0 else signal.Signals(-code).name


def _heard(component: Component) -> str:
    """Return what an ended component said it died of."""
    with os.fdopen(component.last_words, "rb") as pipe:
        return pipe.read().decode(errors="replace")


def _become(component: Component, logs: Path, words: int) -> None:
    """In the forked child: turn into the component. Never returns."""
    code = 1
    try:
        signal.pthread_sigmask(signal.SIG_SETMASK, set())
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.setsid()
        logfile.redirect(logs / f"{component.name}.log")
        setproctitle(f"wherry: {component.name}")
        component.run()
        code = 0
    except CannotStart as error:
        code = HOPELESS
        logging.getLogger(component.name).error("cannot start: %s", error)
        _say(words, str(error))
    except BaseException as error:  # the last line of a process: log whatever it died of
        logging.getLogger(component.name).exception("component=%s died", component.name)
        _say(words, _reason(error))
    finally:
        logging.shutdown()
        with contextlib.suppress(OSError):  # a full disk
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def _say(words: int, text: str) -> None:
    """Tell the init, as far as a pipe holds it without being read."""
    os.set_blocking(words, False)
    with contextlib.suppress(OSError):
        os.write(words, text.encode(errors="replace")[:4000])


def _reason(error: BaseException) -> str:
    """Return what a component died of, in one line; of several things at once, the first."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    text = " ".join(str(error).split())
    return f"{type(error).__name__}: {text}" if text else type(error).__name__
