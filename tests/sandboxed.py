"""Tests marked `kernel` in folders of that name run in a sandbox: new PID, mount and network namespaces.

The first one that is due has all of them run by a pytest inside, whose reports are passed on when each one's turn
comes. Whatever they leave (processes, mounts, network namespaces) ends with the sandbox.
"""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

INSIDE = "WHERRY_TEST_REPORTS"
TIMEOUT_SECONDS = 600
UNSHARE = ("unshare", "--mount", "--pid", "--net", "--fork", "--kill-child", "--mount-proc", "--propagation", "private")
# Orphans become its children, and it reaps them, as a cluster's init does: a container's end waits for every process
# that has joined its PID namespace, the half of a probe's exec included.
INIT = ("bash", "-c", '"$@" & wait $!', "init")

_reports: dict[str, dict[str, Any]] = {}


def _sandboxed(item: pytest.Item) -> bool:
    return item.get_closest_marker("kernel") is not None and "kernel" in item.path.parts


class Told(pytest.Item):
    """Stands outside for a test that runs inside; passes on what was reported of it."""

    def runtest(self) -> None:
        """End as the test inside did."""
        told = _report(self)
        if told["outcome"] == "skipped":
            pytest.skip(told["text"][2].removeprefix("Skipped: "))
        if told["outcome"] == "failed":
            pytest.fail(told["text"], pytrace=False)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        """Return where the test is, for pytest's own lines."""
        return self.path, None, self.name


def _told(item: pytest.Item) -> Told:
    told: Told = Told.from_parent(item.parent, name=item.name)
    told.own_markers.extend(item.own_markers)
    return told


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put a `Told` in the place of each sandboxed test."""
    if INSIDE not in os.environ:
        items[:] = [_told(item) if _sandboxed(item) else item for item in items]


def _report(item: Told) -> dict[str, Any]:
    """Return what was reported; of several workers one has the tests run, and the others are told."""
    if item.nodeid in _reports:
        return _reports[item.nodeid]
    nodeids = [other.nodeid for other in item.session.items if isinstance(other, Told)]
    if "PYTEST_XDIST_TESTRUNUID" not in os.environ:
        _run(nodeids, item.config.rootpath)
        return _reports[item.nodeid]
    shared = Path(tempfile.gettempdir(), f"wherry-sandbox-{os.environ['PYTEST_XDIST_TESTRUNUID']}")
    with shared.open("a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        if found := file.read():
            _reports.update(json.loads(found))
        else:
            _run(nodeids, item.config.rootpath)
            file.write(json.dumps(_reports))
    return _reports[item.nodeid]


def _run(nodeids: list[str], top: Path) -> None:
    """Fill `_reports` for all of these."""
    if os.geteuid() != 0:
        skipped = {"outcome": "skipped", "text": [__file__, 0, "needs root"], "duration": 0.0}
        _reports.update(dict.fromkeys(nodeids, skipped))
        return
    with tempfile.NamedTemporaryFile() as reports:
        command = [
            *UNSHARE,
            *INIT,
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "no:xdist",
            *nodeids,
        ]
        environment = {**os.environ, INSIDE: reports.name}
        for name in ("PYTEST_XDIST_WORKER", "PYTEST_ADDOPTS"):
            environment.pop(name, None)
        try:
            done = subprocess.run(
                command,
                cwd=top,
                env=environment,
                capture_output=True,
                text=True,
                timeout=TIMEOUT_SECONDS,
                start_new_session=True,  # a signal to its process group must not reach ours
            )
            output = done.stdout + done.stderr
        except subprocess.TimeoutExpired as error:
            output = f"not done within {TIMEOUT_SECONDS} s\n{error.stdout}"
        for line in Path(reports.name).read_text().splitlines():
            told = json.loads(line)
            _add(told.pop("nodeid"), told)
    for nodeid in nodeids:
        _reports.setdefault(nodeid, {"outcome": "failed", "text": f"was not run\n{output}", "duration": 0.0})


def _add(nodeid: str, told: dict[str, Any]) -> None:
    """Merge the reports of set-up, call and tear-down: the worst counts."""
    before = _reports.get(nodeid)
    if before is None or before["outcome"] == "passed":
        _reports[nodeid] = told | {"duration": told["duration"] + (before["duration"] if before else 0.0)}


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Inside: write down what the pytest outside passes on."""
    if INSIDE not in os.environ or (report.when != "call" and report.passed):
        return
    told = {"nodeid": report.nodeid, "outcome": report.outcome, "duration": report.duration}
    text: Any = list(report.longrepr) if isinstance(report.longrepr, tuple) else report.longreprtext
    with Path(os.environ[INSIDE]).open("a") as file:
        file.write(json.dumps(told | {"text": text}) + "\n")
