"""A streaming server over a local runtime, with nothing left behind by any test."""

import asyncio
import os
from pathlib import Path

import pytest

from tests.node.streaming.runtime import LocalRuntime
from wherry.node.streaming.server import StreamingServer


@pytest.fixture
def runtime(tmp_path):
    return LocalRuntime(tmp_path)


@pytest.fixture
async def server(runtime, monkeypatch, tmp_path):
    """A server on the loopback; afterwards no descriptor, task or folder of a session may be left."""
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    before = descriptors(), len(asyncio.all_tasks())
    running = StreamingServer(runtime, "127.0.0.1", 0)
    await running.start()
    yield running
    await running.stop()
    for _ in range(1000):  # up to ten seconds on a busy machine
        if (descriptors(), len(asyncio.all_tasks())) == before:
            break
        await asyncio.sleep(0.01)
    assert (descriptors(), len(asyncio.all_tasks())) == before
    assert list(scratch.iterdir()) == []
    assert [line for line in children() if line.startswith(("sleep", "yes", "sh -c", "cat"))] == []


def descriptors() -> dict[str, int]:
    """Return what this process has open, but for what Python opens once (the child watcher's and /dev/urandom)."""
    kinds: dict[str, int] = {}
    for link in Path("/proc/self/fd").iterdir():
        try:
            target = os.readlink(link)
        except FileNotFoundError:
            continue
        if "/" in target and not target.startswith(("/dev/pt", "/tmp")):
            continue
        kind = target.split(":")[0]
        kinds[kind] = kinds.get(kind, 0) + 1
    return kinds


def children() -> set[str]:
    """Return the command lines of this process's children."""
    found = set()
    for pid in Path(f"/proc/self/task/{os.getpid()}/children").read_text().split():
        try:
            found.add(Path(f"/proc/{pid}/cmdline").read_text().replace("\0", " "))
        except OSError:
            continue
    return found
