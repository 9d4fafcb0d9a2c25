"""The servers to measure: ours with SQLite, and kube-apiserver with the etcd it is made for, built from Go modules."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.clients.golang import build
from tests.kubeapiserver import kubernetes
from wherry.cluster.memory import pss


@dataclass(frozen=True)
class Server:
    """A running server: its address, where an administrator's certificates are, and all of its processes."""

    url: str
    certificates: Path
    pids: tuple[int, ...]

    def memory(self) -> float:
        """Return what its processes take, in MB (proportional set size)."""
        return sum(map(pss, self.pids)) / 1e6


Start = Callable[[Path], AbstractContextManager[Server]]
"""Has a server in a folder."""


@contextmanager
def ours(folder: Path) -> Iterator[Server]:
    """Have our own server."""
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.apiworld.serve", str(folder)])
    url = folder / "url"
    try:
        while not url.exists():
            if process.poll() is not None:
                raise SystemExit("the API server does not start")
            time.sleep(0.05)
        yield Server(url.read_text(), folder, (process.pid,))
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def theirs(folder: Path) -> Iterator[Server]:
    """Have kube-apiserver and its etcd."""
    flags = ("--endpoint-reconciler-type=none",)
    with kubernetes(folder, build("kube-apiserver"), build("etcd"), *flags) as (server, etcd):
        yield Server(server.url, folder, (server.pid, etcd.pid))
