"""Debian's docker-registry on loopback, for tests: its own folder, a port of its own, with a password if wanted."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

PROGRAM = shutil.which("docker-registry")
needs_registry = pytest.mark.skipif(PROGRAM is None, reason="docker-registry is not installed: scripts/install test")
LOGIN = ("someone", "secret")
HTPASSWD = "someone:$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a\n"


@dataclass(frozen=True)
class Registry:
    """A running registry. `host`: HOST:PORT, as in an image's name."""

    host: str
    folder: Path

    @property
    def url(self) -> str:
        return f"http://{self.host}"

    def blob(self, digest: str) -> Path:
        """Return the file a blob is in."""
        name = digest.partition(":")[2]
        return self.folder / "docker/registry/v2/blobs/sha256" / name[:2] / name / "data"

    @property
    def log(self) -> str:
        """Return what it has been asked, a line each."""
        return (self.folder / "log").read_text()


@contextmanager
def registry(folder: Path, address: str = "127.0.0.1", port: int = 0, *, login: bool = False) -> Iterator[Registry]:
    """Run a registry that keeps its images in `folder`, until the block ends."""
    if not port:
        with socket.create_server((address, 0)) as free:
            port = free.getsockname()[1]
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = f"auth: {{htpasswd: {{realm: test, path: {folder}/htpasswd}}}}\n" if login else ""
    config = folder / "config.yml"
    config.write_text(
        f"version: 0.1\nlog: {{accesslog: {{disabled: false}}}}\n{auth}"
        f"storage: {{filesystem: {{rootdirectory: {folder}}}, delete: {{enabled: true}}}}\n"
        f"http: {{addr: '{address}:{port}'}}\n"
    )
    assert PROGRAM is not None
    with (folder / "log").open("ab") as log:
        process = subprocess.Popen([PROGRAM, "serve", str(config)], stdout=log, stderr=log)
    made = Registry(f"{address}:{port}", folder)
    try:
        _wait(made)
        yield made
    finally:
        process.terminate()
        process.wait(10)


def _wait(made: Registry) -> None:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    end = time.monotonic() + 20
    while time.monotonic() < end:
        try:
            opener.open(f"{made.url}/v2/", timeout=2).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.02)
    raise AssertionError(made.log)
