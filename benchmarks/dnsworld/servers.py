"""The servers to measure, as processes on one core: ours, and CoreDNS built from its Go module."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode

TOP = Path(__file__).resolve().parents[2]
VERSION = "v1.15.0"
COREFILE = """.:{port} {{
    bind 127.0.0.1
    kubernetes cluster.local in-addr.arpa {{
        kubeconfig {kubeconfig}
        pods insecure
        fallthrough in-addr.arpa
        ttl 30
    }}
    forward . 127.0.0.1:{upstream}
    cache 30
    loadbalance
}}
"""


def coredns() -> Path | str:
    """Return real CoreDNS, built if need be ($COREDNS names one that is there); or why there is none."""
    given = os.environ.get("COREDNS")
    if given:
        return Path(given)
    built = TOP / ".cache" / "coredns" / VERSION / "coredns"
    go = shutil.which("go") or shutil.which("go", path="/usr/local/go/bin")
    if not built.exists() and not go:
        return "Go is not installed: CoreDNS is not measured"
    if not built.exists():
        built.parent.mkdir(parents=True, exist_ok=True)
        command = ["nice", "-n", "15", str(go), "install", "-p", "1", f"github.com/coredns/coredns@{VERSION}"]
        done = subprocess.run(command, env={**os.environ, "GOBIN": str(built.parent)}, check=False, capture_output=True)
        if done.returncode:
            return f"CoreDNS could not be built: {done.stderr.decode(errors='replace').strip().splitlines()[-1]}"
    return built


@dataclass
class Server:
    """A running server."""

    name: str
    port: int
    process: subprocess.Popen[bytes]
    started: float = field(default_factory=time.perf_counter)
    first_answer: float = 0.0

    def wait(self, name: str) -> None:
        """Return once `name` has an address; how long that took is `first_answer`, in seconds."""
        query = dns.message.make_query(name, "A")
        while True:
            if self.process.poll() is not None:
                raise SystemExit(f"{self.name} ended with {self.process.returncode}")
            try:
                answer = dns.query.udp(query, "127.0.0.1", port=self.port, timeout=0.05)
            except (OSError, dns.exception.DNSException):
                continue
            if answer.answer:
                self.first_answer = time.perf_counter() - self.started
                return

    def memory(self) -> float:
        """Return its resident memory, in MB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024

    def stop(self) -> None:
        """End it."""
        self.process.kill()
        self.process.wait()


def start(name: str, program: list[str], directory: Path, port: int, kubeconfig: str, upstream: int) -> Server:
    """Start a server on the first core, with the same Corefile as every other."""
    corefile = directory / f"Corefile.{name}"
    corefile.write_text(COREFILE.format(port=port, kubeconfig=kubeconfig, upstream=upstream))
    output = (directory / f"{name}.log").open("wb")
    command = ["taskset", "-c", "0", *program, "-conf", str(corefile)]
    return Server(name, port, subprocess.Popen(command, stdout=output, stderr=output, cwd=TOP))


def ours() -> list[str]:
    """Return the command of ours."""
    return [sys.executable, "-m", "wherry", "dns"]
