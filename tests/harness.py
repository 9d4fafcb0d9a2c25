"""A real cluster for end-to-end tests: brought up by the command a user types, torn down whatever happens."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
BIN = TOP / ".venv" / "bin"
MYBLOG = TOP / "examples" / "myblog"
ARTIFACTS = TOP / "artifacts"
KUBECTL = {"1.37": BIN / "kubectl", "1.20": TOP / ".cache" / "kubectl-1.20" / "usr" / "bin" / "kubectl"}


@dataclass
class Cluster:
    """A running cluster and the tools pointed at it."""

    name: str
    bind: str
    home: Path
    kubectl_path: Path
    within: tuple[str, ...] = ()
    """The words that run a command where this cluster's machine is, if that is not this one."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of a user of this cluster."""
        return {
            **os.environ,
            "KUBECONFIG": str(self.home / "kubeconfig"),
            "XDG_DATA_HOME": str(self.home),
            "HOME": str(self.home),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }

    def run(self, *command: str | Path, check: bool = True, timeout: float = 120, stdin: str = "") -> str:
        """Run a command on the host; return what it printed, stderr after stdout."""
        done = subprocess.run(
            [*self.within, *(str(c) for c in command)],
            env=self.environment,
            input=stdin,
            capture_output=True,
            timeout=timeout,
            cwd=self.home,
            encoding="utf-8",
            errors="replace",
        )
        output = done.stdout + done.stderr
        if check and done.returncode:
            raise AssertionError(f"{' '.join(map(str, command))}\nexit {done.returncode}\n{output}")
        return output

    def wherry(self, *args: str, check: bool = True, timeout: float = 180) -> str:
        """Run `wherry`."""
        return self.run(BIN / "wherry", *args, check=check, timeout=timeout)

    def kubectl(self, line: str, check: bool = True, timeout: float = 120, stdin: str = "") -> str:
        """Run a kubectl command line, split at spaces."""
        return self.run(self.kubectl_path, *line.split(), check=check, timeout=timeout, stdin=stdin)

    def on(self, node: str, *command: str, check: bool = True, timeout: float = 60) -> str:
        """Run a command in a node's network namespace."""
        return self.wherry("shell", "--name", self.name, node, "--", *command, check=check, timeout=timeout)

    def pods(self, selector: str, namespace: str = "demo") -> list[str]:
        """Return the names of the pods that are not being deleted."""
        template = "{{range .items}}{{if not .metadata.deletionTimestamp}}{{.metadata.name}} {{end}}{{end}}"
        args = ["-n", namespace, "get", "pod", "-l", selector, "-o", f"go-template={template}"]
        return self.run(self.kubectl_path, *args).split()

    @property
    def init_pid(self) -> int:
        """The pid of the cluster's init."""
        return int(json.loads((self.home / "wherry" / self.name / "init.json").read_text())["pid"])

    def processes(self) -> dict[int, str]:
        """Return every process below the init, by its pid on the host, with its command line."""
        ps = ["ps", "-ww", "-eo", "pid=,ppid=,args="]
        lines = subprocess.run(ps, capture_output=True, encoding="utf-8", errors="replace", check=True).stdout
        columns = (line.split(None, 2) for line in lines.splitlines())
        # One that is just being started, or ends, may have no command line.
        found = {int(pid): (int(ppid), "".join(args)) for pid, ppid, *args in columns}
        below = {self.init_pid}
        while more := {pid for pid, (ppid, _) in found.items() if ppid in below} - below:
            below |= more
        return {pid: found[pid][1] for pid in below if pid in found}

    def find(self, pattern: str) -> set[int]:
        """Return the pids of the cluster's processes whose command line matches."""
        return {pid for pid, args in self.processes().items() if re.search(pattern, args)}

    def diagnose(self) -> str:
        """Return what one wants to see after a failure."""
        parts = [
            self.kubectl("get pods -A -o wide", check=False),
            self.kubectl("get events -A", check=False),
            self.wherry("logs", "--name", self.name, "-n", "40", check=False),
        ]
        return "\n".join(parts)


def eventually(what: str, attempt: Callable[[], object], seconds: float = 60) -> object:
    """Call `attempt` until it returns something true; AssertionErrors in it count as not yet."""
    end = time.monotonic() + seconds
    last = ""
    while time.monotonic() < end:
        try:
            result = attempt()
        except AssertionError as error:
            result, last = None, str(error)
        if result:
            return result
        time.sleep(0.2)
    raise AssertionError(f"{what}: not within {seconds:.0f} s. {last}")


def folders(top: Path) -> Iterator[Path]:
    """Yield every folder below `top`. What goes while it looks is passed over, which `Path.rglob` fails at."""
    for place, names, _ in os.walk(top):
        yield from (Path(place, name) for name in names)


@contextmanager
def traffic(k8s: Cluster, node: str, *curl: str) -> Iterator[Counter[str]]:
    """Run `curl` with these words on a node, twenty times a second and for a minute at most, while the block runs.

    The answers are counted when it has ended: by status code, or by what curl says of a failure.
    """
    stop = k8s.home / "stop-traffic"
    stop.unlink(missing_ok=True)
    script = (
        'for i in $(seq 1200); do [ -e "$0" ] && exit; '
        'curl -s -m 5 -o /dev/null -w "%{http_code} %{errormsg}\\n" "$@"; sleep 0.05; done'
    )
    command = [BIN / "wherry", "shell", "--name", k8s.name, node, "--", "sh", "-c", script, stop, *curl]
    process = subprocess.Popen(command, env=k8s.environment, cwd=k8s.home, stdout=subprocess.PIPE, text=True)
    counted: Counter[str] = Counter()
    try:
        yield counted
    finally:
        stop.touch()
        output, _ = process.communicate(timeout=60)
    counted.update(line.strip() for line in output.splitlines())


@contextmanager
def cluster(
    name: str, bind: str, home: Path, *options: str, kubectl: str = "1.37", within: tuple[str, ...] = ()
) -> Iterator[Cluster]:
    """Bring a cluster up, and down with all its state afterwards. `conftest.py` sees to it that it has no way out."""
    made = Cluster(name, bind, home, KUBECTL[kubectl], within)
    try:
        try:
            made.wherry("up", "--name", name, "--bind", bind, *options)
        except AssertionError:
            print(made.diagnose())
            raise
        yield made
    finally:
        made.wherry("down", "--name", name, "--purge", check=False)
