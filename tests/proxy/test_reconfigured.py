"""A proxy follows its configuration file."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.fake.client import FakeClient
from tests.proxy.test_component import until
from wherry.client.interface import Client
from wherry.proxy import component, configfile, reconfigured
from wherry.proxy.config import ConfigurationError, ProxyConfig
from wherry.proxy.reconfigured import Given

TEXT = "apiVersion: kubeproxy.config.k8s.io/v1alpha1\nkind: KubeProxyConfiguration\nmode: "


class Runs:
    """Stands for the proxy: which modes were begun, and which of them go on."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.going: list[str] = []

    async def run(self, _: Client, config: ProxyConfig) -> None:
        self.begun.append(config.mode)
        self.going.append(config.mode)
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            self.going.remove(config.mode)


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch) -> Runs:
    made = Runs()
    monkeypatch.setattr(component, "run", made.run)
    return made


@contextlib.asynccontextmanager
async def following(file: Path, reads: list[None] | None = None) -> AsyncIterator[asyncio.Task[None]]:
    def read() -> Given:
        if reads is not None:
            reads.append(None)
        return Given(None, ProxyConfig(node_name="n1", **configfile.read(file)))

    task = asyncio.create_task(reconfigured.run(file, read, lambda _: FakeClient()))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def publish(volume: Path, number: int, mode: str) -> None:
    """Write the file as a node does that of a ConfigMap: a folder beside it, and a link that is replaced."""
    folder = volume / f"..{number}"
    folder.mkdir()
    (folder / "config.conf").write_text(TEXT + mode)
    (volume / "..new").symlink_to(folder.name)
    os.replace(volume / "..new", volume / "..data")
    if not (volume / "config.conf").is_symlink():
        (volume / "config.conf").symlink_to("..data/config.conf")


async def test_another_mode_begins_when_the_volume_has_it(tmp_path: Path, runs: Runs) -> None:
    publish(tmp_path, 1, "nftables")
    async with following(tmp_path / "config.conf"):
        await until(lambda: runs.going == ["nftables"])
        publish(tmp_path, 2, "iptables")
        await until(lambda: runs.going == ["iptables"])
    assert (runs.begun, runs.going) == (["nftables", "iptables"], [])


async def test_what_says_the_same_or_makes_no_sense_changes_nothing(tmp_path: Path, runs: Runs) -> None:
    file = tmp_path / "config.conf"
    file.write_text(f"{TEXT}nftables")
    reads: list[None] = []
    async with following(file, reads):
        await until(lambda: runs.going == ["nftables"])
        for text in (f"{TEXT}nftables # really", f"{TEXT}magic", "{", f"{TEXT}iptables\nmodus: 1"):
            reads.clear()
            file.write_text(text)
            await until(lambda: bool(reads))
        file.unlink()
        file.write_text(f"{TEXT}iptables")
        await until(lambda: runs.going == ["iptables"])
    assert runs.begun == ["nftables", "iptables"]


async def test_what_ends_the_proxy_ends_this_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def fails(*_: object) -> None:
        raise ConfigurationError("cannot be")

    monkeypatch.setattr(component, "run", fails)
    publish(tmp_path, 1, "nftables")
    async with following(tmp_path / "config.conf") as task:
        with pytest.raises(ConfigurationError, match="cannot be"):
            await asyncio.wait_for(asyncio.shield(task), 5)
