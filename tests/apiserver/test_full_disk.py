"""A server on a disk that fills up: writes are refused with the reason, reads go on, and it recovers by itself."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

TOP = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.kernel

SERVER = """
import asyncio, os, sys
from pathlib import Path
from tests.apiserver.harness import Cluster
from wherry.client.http import HttpClient
from wherry.objects.errors import ApiError, InternalError
from wherry.objects.resource import CONFIG_MAPS

here, disk = Path(sys.argv[1]), Path(sys.argv[2])

def config_map(name):
    return {"metadata": {"name": name, "namespace": "default"}, "data": {"x": "y" * 20_000}}

async def refused(client):
    for n in range(1000):
        try:
            await client.create(CONFIG_MAPS, config_map(f"n{n}"))
        except InternalError as error:
            return str(error)

async def until(attempt):
    async with asyncio.timeout(20):
        while True:
            try:
                return await attempt()
            except ApiError:
                await asyncio.sleep(0.05)

async def main():
    cluster = Cluster(here, storage=disk / "state.db")
    async with cluster:
        client = HttpClient(cluster.config_of("admin", "system:masters"))
        await client.create(CONFIG_MAPS, config_map("first"))
        assert await client.request("GET", "/readyz") == "ok"
        with open(disk / "filler", "wb", buffering=0) as filler:
            try:
                while True:
                    filler.write(b"x" * 4096)
            except OSError:
                pass
        print("refused:", await refused(client))
        try:
            await client.request("GET", "/readyz", params={"verbose": ""})
        except ApiError as error:
            print("ready:", "[-]storage-writes failed" in str(error), error.code)
        print("live:", await client.request("GET", "/livez"))
        print("read:", (await client.get(CONFIG_MAPS, "first", "default"))["metadata"]["name"])
        (disk / "filler").unlink()
        await until(lambda: client.request("GET", "/readyz"))
        print("recovered:", (await client.create(CONFIG_MAPS, config_map("second")))["metadata"]["name"])
        kept = len((await client.list(CONFIG_MAPS, "default")).items)
        await client.close()
    cluster = Cluster(here, storage=disk / "state.db")
    async with cluster:
        print("kept:", len((await cluster.client.list(CONFIG_MAPS, "default")).items) == kept)

asyncio.run(main())
"""


def test_writes_are_refused_reads_go_on_and_it_recovers_by_itself(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "server.py").write_text(SERVER)
    mounted = 'mount -t tmpfs -o size=8m disk "$1" && shift && exec "$@"'
    command = [sys.executable, tmp_path / "server.py", tmp_path, tmp_path / "disk"]
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", mounted, "sh", tmp_path / "disk", *command],
        capture_output=True,
        text=True,
        timeout=60,
        env={"PYTHONPATH": str(TOP), "PATH": "/usr/bin:/bin"},
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        f"refused: Internal error occurred: the disk of {tmp_path}/disk/state.db is full",
        "ready: True 503",
        "live: ok",
        "read: first",
        "recovered: second",
        "kept: True",
    ]
