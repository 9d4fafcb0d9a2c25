"""A machine and the world around it, as network namespaces: to see what leaves a cluster without anything leaving.

machine  127.0.0.53 a resolver    eth0 198.51.100.1/24 ── veth ── 198.51.100.80/24 a web server  world
         127.0.0.1  a web server                                  169.254.169.254  metadata
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness import BIN

WEB, METADATA, RESOLVER = "198.51.100.80", "169.254.169.254", "127.0.0.53"
COREFILE = """
world.test:53 {
    bind 127.0.0.53
    hosts {
        198.51.100.80 web.world.test
        fallthrough
    }
    template ANY ANY {
        match ^nosuch
        rcode NXDOMAIN
        fallthrough
    }
}
"""
SERVER = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"{sys.argv[2]} saw {self.client_address[0]}".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
ThreadingHTTPServer((sys.argv[1], 80), Handler).serve_forever()
"""


class World:
    """The namespaces' names, and the processes in them."""

    def __init__(self, name: str, folder: Path):
        self.machine, self.beyond = f"{name}-machine", f"{name}-world"
        self._resolv = folder / "resolv.conf"
        self._corefile = folder / "Corefile"
        self._processes: list[subprocess.Popen[bytes]] = []

    @property
    def within(self) -> tuple[str, ...]:
        """The words that run a command on the machine: its network, and its resolv.conf."""
        script = 'mount --bind "$0" /etc/resolv.conf && exec "$@"'
        return (
            "nsenter",
            f"--net=/run/netns/{self.machine}",
            "unshare",
            "--mount",
            "sh",
            "-c",
            script,
            str(self._resolv),
        )

    def make(self) -> None:
        self._resolv.write_text(f"nameserver {RESOLVER}\nsearch world.test\noptions timeout:2\n")
        self._corefile.write_text(COREFILE)
        for namespace in (self.machine, self.beyond):
            ip("netns", "add", namespace)
            ip("-n", namespace, "link", "set", "lo", "up")
        ip("-n", self.machine, "link", "add", "eth0", "type", "veth", "peer", "name", "eth0", "netns", self.beyond)
        for namespace, addresses in (
            (self.machine, ["198.51.100.1/24"]),
            (self.beyond, [f"{WEB}/24", f"{METADATA}/16"]),
        ):
            for address in addresses:
                ip("-n", namespace, "address", "add", address, "dev", "eth0")
            ip("-n", namespace, "link", "set", "eth0", "up")
        ip("-n", self.machine, "route", "add", "default", "via", WEB)
        self._start(self.beyond, sys.executable, "-c", SERVER, WEB, "the world")
        self._start(self.beyond, sys.executable, "-c", SERVER, METADATA, "metadata")
        self._start(self.machine, sys.executable, "-c", SERVER, "127.0.0.1", "loopback")
        self._start(self.machine, str(BIN / "wherry"), "dns", "-conf", str(self._corefile))
        for address in (WEB, METADATA, "127.0.0.1"):
            self._wait("curl", "-sf", "-m", "2", f"http://{address}/")
        self._wait("dig", "+short", "+time=1", f"@{RESOLVER}", "web.world.test")

    def remove(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()
        for namespace in (self.machine, self.beyond):
            subprocess.run(["ip", "netns", "delete", namespace], check=False, capture_output=True)

    def _start(self, namespace: str, *words: str) -> None:
        self._processes.append(subprocess.Popen(["ip", "netns", "exec", namespace, *words]))

    def _wait(self, *words: str) -> None:
        end = time.monotonic() + 30
        while not subprocess.run([*self.within, *words], capture_output=True, check=False).stdout.strip():
            assert time.monotonic() < end, f"no answer: {' '.join(words)}"
            time.sleep(0.1)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True)


@contextmanager
def world(name: str, folder: Path) -> Iterator[World]:
    made = World(name, folder)
    try:
        made.make()
        yield made
    finally:
        made.remove()
