"""The small world of the packet tests, with Kubernetes' own API server on its node, and ours there as README says."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar

from harness import BIN, TOP

from tests.clients.golang import built
from tests.docs.test_readme import the_block
from tests.kubeapiserver import KubeApiServer, kubernetes
from tests.proxy.build import NODE_ADDRESS
from tests.proxy.world import World, small_world
from wherry.net import namespaces
from wherry.objects import Object

T = TypeVar("T")
REFUSED = re.compile(r'^apiserver_request_total\{[^}]*code="403"[^}]*\}', re.MULTILINE)


class Site:
    """The world, the server, and whatever has been started. Files go to `home`, which is where commands run."""

    def __init__(self, world: World, server: KubeApiServer, home: Path):
        self.world = world
        self.server = server
        self.home = home
        self._running: dict[str, subprocess.Popen[bytes]] = {}
        (home / "wherry").symlink_to(TOP / "wherry")

    def at(self, name: str, function: Callable[[], T]) -> T:
        """Call a function in one of the world's namespaces."""
        return namespaces.run(self.world.path[name], function)

    def run(self, *command: str | Path, at: str = "host", stdin: str = "") -> str:
        """Return what a command prints; the node is where it runs."""
        environment = {
            **os.environ,
            "HOME": str(self.home),
            "KUBECONFIG": str(self.server.kubeconfig()),
            "PATH": f"{BIN}:{os.environ['PATH']}",
        }
        run = partial(subprocess.run, capture_output=True, text=True, timeout=60)
        done = self.at(at, lambda: run(command, input=stdin, env=environment, cwd=self.home))
        assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        return str(done.stdout)

    def kubectl(self, line: str, stdin: str = "") -> str:
        """Run a kubectl command line as an administrator, split at spaces."""
        return self.run(BIN / "kubectl", *line.split(), stdin=stdin)

    def apply(self, *objects: Object) -> None:
        """Apply objects."""
        self.kubectl("apply -f -", stdin="---\n".join(json.dumps(obj) + "\n" for obj in objects))

    def patch_status(self, line: str, status: Object) -> None:
        """Set the status of what the words of a kubectl command line name."""
        self.kubectl(
            f"patch {line} --subresource=status --type=merge --patch-file=/dev/stdin", json.dumps({"status": status})
        )

    def start(self, name: str, *words: str, at: str = "host") -> None:
        """Start a command that stays, by a name for its log."""
        with (self.home / f"{name}.log").open("ab") as log:
            command = partial(subprocess.Popen, words, stdout=log, stderr=log, cwd=self.home, start_new_session=True)
            self._running[name] = self.at(at, command)

    def wherry(self, *words: str) -> None:
        """Start one of our components."""
        self.start(words[0], str(BIN / "wherry"), *words)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to all that was started, with what that has started itself."""
        for process in self._running.values():
            os.killpg(process.pid, number)

    def logs(self) -> str:
        """Return what our components have said."""
        return "\n".join(f"{path.name}:\n{path.read_text()}" for path in sorted(self.home.glob("*.log")))

    def refused(self) -> list[str]:
        """Return what the server has counted of requests for which there were no rights."""
        return REFUSED.findall(self.at("host", lambda: self.server.get("/metrics")))

    def restart_server(self) -> None:
        """`kill -9` the server, and start it again."""
        self.server.kill()
        self.at("host", self.server.start)

    def stop(self) -> None:
        """End what was started."""
        self.signal(signal.SIGCONT)
        for process in self._running.values():
            process.terminate()
        for name, process in self._running.items():
            assert process.wait(30) in (0, -signal.SIGTERM), f"{name}: {self.logs()}"


@contextmanager
def site(directory: Path) -> Iterator[Site]:
    """The site, with the rights and kubeconfigs README tells how to make; gone afterwards."""
    programs = built("kube-apiserver"), built("etcd")
    home, place = directory / "home", directory / "server"
    home.mkdir()
    place.mkdir()
    with small_world() as world:
        started = kubernetes(place, *programs, f"--advertise-address={NODE_ADDRESS}")
        server, _ = namespaces.run(world.path["host"], started.__enter__)
        made = Site(world, server, home)
        try:
            made.run("bash", "-euc", the_block("sh rights"))
            yield made
        finally:
            try:
                made.stop()
            finally:
                started.__exit__(None, None, None)
