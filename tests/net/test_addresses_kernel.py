"""Addresses of a machine, against the kernel."""

from __future__ import annotations

import asyncio
import subprocess
from pathlib import Path

import pytest

from wherry.net import addresses, namespaces
from wherry.net.addresses import Addresses

pytestmark = pytest.mark.kernel


def test_addresses_come_go_and_are_heard_of(tmp_path: Path) -> None:
    path = tmp_path / "ns"
    namespaces.create(path)
    try:
        namespaces.run(path, lambda: asyncio.run(_follow()))
    finally:
        namespaces.delete(path)


async def _follow() -> None:
    heard = addresses.changes()
    async with asyncio.timeout(5):
        await anext(heard)
        with Addresses() as here:
            subprocess.run(["ip", "link", "add", "d0", "type", "veth", "peer", "name", "d1"], check=True)
            index = here.index("d0")
            here.change(index, add=["10.9.0.1", "fd00:9::1"])
            await anext(heard)
            assert {"10.9.0.1", "fd00:9::1"} <= addresses.local()
            assert not {"10.9.0.1", "fd00:9::1"} & addresses.local(without=["d0", "nowhere"])
            assert "10.9.0.1" in addresses.local(without=["d1"])
            here.change(index, delete=["10.9.0.1"])
            await anext(heard)
            assert "10.9.0.1" not in addresses.local()
    await heard.aclose()
