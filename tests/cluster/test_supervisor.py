"""The init's loop, run for real as PID 1 of a namespace."""

import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from wherry.cluster.reports import Report

pytestmark = pytest.mark.kernel

SCRIPT = """
import os, signal, subprocess, sys, time
from pathlib import Path
from wherry.cluster import supervisor
from wherry.cluster.supervisor import Component, Supervisor
here = Path(sys.argv[1])
supervisor.STOP_SECONDS = 40.0  # nobody may need to be killed

def fragile():
    starts = here / "starts"
    with starts.open("a") as file:
        file.write(f"{os.getpid()}\\n")
    if len(starts.read_text().split()) < 3:
        os.kill(os.getpid(), signal.SIGKILL)
    subprocess.Popen(["sh", "-c", "sleep 0.05 & exit 0"]).wait()   # leaves an orphan for the init to bury
    # As a pod's first process has it: a namespace's init without a handler never gets SIGTERM.
    subprocess.Popen(["unshare", "--pid", "--fork", "sleep", "60"])
    (here / "steady").touch()
    time.sleep(60)

Supervisor([Component("fragile", fragile)], here).run()
(here / "stopped").touch()
"""


def test_what_dies_is_started_again_and_a_stop_ends_everything(tmp_path: Path) -> None:
    script = tmp_path / "init.py"
    script.write_text(textwrap.dedent(SCRIPT))
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, str(script), str(tmp_path)]
    process = subprocess.Popen(command, start_new_session=True)
    try:
        for _ in range(1500):
            if (tmp_path / "steady").exists():
                break
            signal.sigtimedwait([], 0.02)
        init = int(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout)
        os.kill(init, signal.SIGTERM)
        assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()
    assert len((tmp_path / "starts").read_text().split()) == 3
    assert (tmp_path / "stopped").exists()


REPORTING = """
import os, sys, time
from pathlib import Path
from wherry.cluster import reports
from wherry.cluster.supervisor import CannotStart, Component, Supervisor
here = Path(sys.argv[1])
reports.FILE = here / "components.json"

def hopeless():
    raise CannotStart("the store is damaged")

def crashing():
    try:
        raise ExceptionGroup("many", [ValueError("first\\nof two lines")])
    finally:
        (here / "crashed").touch()

def killed():
    os.kill(os.getpid(), 9)

Supervisor([Component(f.__name__, f) for f in (hopeless, crashing, killed)], here).run()
"""


def test_it_is_reported_what_a_component_ended_with_and_how_often(tmp_path: Path) -> None:
    script = tmp_path / "init.py"
    script.write_text(REPORTING)
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, str(script), str(tmp_path)]
    process = subprocess.Popen(command, start_new_session=True)
    found: dict[str, Report] = {}
    try:
        for _ in range(1500):
            signal.sigtimedwait([], 0.02)
            if (tmp_path / "components.json").exists():
                listed = msgspec.json.decode((tmp_path / "components.json").read_bytes(), type=list[Report])
                found = {report.component: report for report in listed}
            if len(found) == 3 and all(report.failures >= 3 for report in found.values()):
                break
    finally:
        init = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout
        os.kill(int(init), signal.SIGKILL)
        process.wait()
    assert {name: (r.reason, r.hopeless) for name, r in found.items()} == {
        "hopeless": ("the store is damaged", True),
        "crashing": ("ValueError: first of two lines", False),
        "killed": ("SIGKILL", False),
    }
    assert "cannot start: the store is damaged" in (tmp_path / "hopeless.log").read_text()


SWITCHED = """
import os, sys, time
from pathlib import Path
from wherry.cluster.supervisor import Component, Supervisor
here = Path(sys.argv[1])

def act():
    (here / "pid").write_text(str(os.getpid()))
    time.sleep(60)

Supervisor([Component("act", act, lambda: not (here / "off").exists())], here).run()
"""


def test_what_is_not_wanted_is_not_started_again_until_it_is(tmp_path: Path) -> None:
    """The init is told by SIGHUP to look again."""
    script, place = tmp_path / "init.py", tmp_path / "pid"
    script.write_text(SWITCHED)
    command = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc", sys.executable, str(script), str(tmp_path)]
    process = subprocess.Popen(command, start_new_session=True)

    def soon(what: Callable[[], bool]) -> None:
        for _ in range(1500):
            if what():
                return
            signal.sigtimedwait([], 0.02)
        raise AssertionError("too late")

    try:
        soon(place.exists)
        init = int(subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True, check=True).stdout)
        (tmp_path / "off").touch()
        place.unlink()
        subprocess.run(["pkill", "-KILL", "-P", str(init)], check=True)
        soon(lambda: not subprocess.run(["pgrep", "-P", str(init)], capture_output=True).stdout)
        assert not place.exists()
        (tmp_path / "off").unlink()
        os.kill(init, signal.SIGHUP)
        soon(place.exists)
    finally:
        process.kill()
        process.wait()
