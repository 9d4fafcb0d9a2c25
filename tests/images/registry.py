"""Debian's docker-registry on loopback, for tests: its own folder, a port of its own, with a password if wanted."""

from __future__ import annotations

import shutil
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest

from tests.freeports import free_port

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

    def heard(self) -> str:
        """Return its log with all that was asked before: it writes a line when its answer is on the way."""
        mark = uuid4().hex
        with suppress(urllib.error.HTTPError):
            _opener().open(f"{self.url}/v2/{mark}/tags/list", timeout=20).close()
        end = time.monotonic() + 20
        while mark not in self.log:
            assert time.monotonic() < end, "the registry does not write what it is asked"
            time.sleep(0.01)
        return self.log


@contextmanager
def registry(folder: Path, address: str = "127.0.0.1", port: int = 0, *, login: bool = False) -> Iterator[Registry]:
    """Run a registry that keeps its images in `folder`, until the block ends."""
    port = port or free_port(address)
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
        process.wait(60)


def _opener() -> urllib.request.OpenerDirector:
    return urllib.request.build_opener(urllib.request.ProxyHandler({}))


def _wait(made: Registry) -> None:
    opener = _opener()
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
