"""A node agent on a fake API server, in this process, on the real kernel."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import datetime
import os
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fake.client import FakeClient
from wherry.cluster.certificates import Authority
from wherry.node import agent, cgroups, mounts
from wherry.node.pods.manifests import PodForm
from wherry.objects import Object, metadata
from wherry.objects.resource import EVENTS, PODS, Resource

NAME, ADDRESS = "k8s-slave1", "192.168.51.210"
SECONDS = 60.0

IMAGE_MAP = """
images:
  - {match: "demo/shell*", command: [/bin/sh, -c], args: [sleep 1000], env: {FROM_IMAGE: "yes"}}
  - {match: "demo/python", command: ["{python}"]}
  - {match: "demo/user", command: [/bin/sh, -c], user: nobody}
  - {match: "demo/home", command: [/bin/sh, -c], env: {HERE: "{folder}"}}
"""


def config_map(name: str, **data: str) -> Object:
    """Return a ConfigMap of the pods' namespace."""
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "demo"}, "data": data}


def secret(name: str, **data: str) -> Object:
    """Return a Secret of the pods' namespace."""
    encoded = {k: base64.b64encode(v.encode()).decode() for k, v in data.items()}
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "demo"}, "data": encoded}


class Server(FakeClient):
    """A fake that also gives tokens."""

    async def create(
        self, resource: Resource, obj: Object, namespace: str | None = None, *, name: str = "", subresource: str = ""
    ) -> Object:
        if subresource != "token":
            return await super().create(resource, obj, namespace, name=name, subresource=subresource)
        audience = ",".join(obj["spec"]["audiences"])
        return {"status": {"token": f"{name}/{audience}", "expirationTimestamp": "2999-01-01T00:00:00Z"}}


class NotingFence:
    """Notes what it is told, and whether pods had a link then. `broken` makes so many of the next calls fail."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, Sequence[str], bool]] = []
        self.left: list[tuple[str, bool]] = []
        self.broken = 0

    async def fence(self, of: Object, addresses: Sequence[str]) -> None:
        self.asked.append((of["metadata"]["name"], addresses, _has_link()))
        if self.broken:
            self.broken -= 1
            raise OSError("the rules are not ready")

    def unfence(self, of: Object) -> None:
        self.left.append((of["metadata"]["name"], _has_link()))


def _has_link() -> bool:
    return "veth" in Path("/proc/net/dev").read_text()


class World:
    """One node. `base` is a tmpfs for what is volatile; `disk` a folder on the disk for the rest."""

    def __init__(self, base: Path, disk: Path):
        self.api = Server()
        self.fence = NotingFence()
        self.form: PodForm | None = None
        self.base, self.disk = base, disk
        self._agent: asyncio.Task[None] | None = None
        self.pki = pki = disk / "pki"
        authority = Authority(pki, datetime.datetime.now(datetime.UTC))
        authority.issue("serving", f"system:node:{NAME}", hosts=[ADDRESS])
        authority.issue("admin", "admin", organizations=["system:masters"])
        image_map = disk / "images.yaml"
        image_map.write_text(IMAGE_MAP)
        own_log = disk / "node.log"
        own_log.write_text("2026-01-01T00:00:00.000Z INFO a line of the agent's\n")
        self.config = agent.NodeConfig(
            name=NAME,
            addresses=[ADDRESS],
            pod_cidrs=["10.244.1.0/24"],
            cluster_dns="10.96.0.10",
            cluster_domain="cluster.local",
            state_dir=disk / "state",
            run_dir=base / "run",
            serving_certificate=pki / "serving.crt",
            serving_key=pki / "serving.key",
            client_ca=pki / "ca.crt",
            image_maps=[image_map],
            images=disk / "images",
            component_logs={"kubelet.log": own_log},
            cgroup_parent=f"/wherry-test-{disk.parent.name}-{disk.name}",  # another run's of this test is another
        )

    def start(self) -> None:
        """Start an agent."""
        self._agent = asyncio.create_task(agent.run(self.config, self.api, self.fence, self.form))

    @property
    def is_up(self) -> bool:
        """Whether an agent runs, or has failed."""
        return self._agent is not None

    async def kill(self) -> None:
        """End the agent as a crash does: nothing is tidied up."""
        assert self._agent is not None
        self._agent.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._agent
        self._agent = None

    def create(self, name: str, script: str = "sleep 1000", container: Object | None = None, **spec: Any) -> None:
        """Create a pod with one container that runs a shell script."""
        one = {"name": "main", "image": "demo/shell", "args": [script], **(container or {})}
        self.put(name, [one], **spec)

    def put(self, name: str, containers: list[Object], **spec: Any) -> None:
        """Create a pod."""
        spec = {"nodeName": NAME, "terminationGracePeriodSeconds": 2, "containers": containers, **spec}
        meta = {"name": name, "namespace": "demo", "labels": {"app": name}}
        self.api.put(
            {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": {"phase": "Pending"}}
        )

    def status(self, name: str) -> Object:
        """Return a pod's status as the API has it."""
        found = self.api.peek(PODS, name, "demo")
        return (found or {}).get("status") or {}

    def container(self, name: str) -> Object:
        """Return the status of a pod's first container."""
        return (self.status(name).get("containerStatuses") or [{}])[0]

    def waiting(self, name: str) -> str:
        """Return why a pod's first container waits, "" when it does not."""
        return ((self.container(name).get("state") or {}).get("waiting") or {}).get("reason", "")

    def log(self, name: str) -> str:
        """Return what a pod's containers have printed, without the stamps."""
        text = ""
        for file in sorted((self.config.state_dir / "logs").glob(f"demo_{name}_*/*/*.log")):
            for line in file.read_text().splitlines():
                _, _, tag, part = line.split(" ", 3)
                text += part + ("\n" if tag == "F" else "")
        return text.removesuffix("\n")

    async def printed(self, name: str, count: int) -> list[str]:
        """Wait for this many lines of a pod's log; returns all there are."""
        await self.until(f"{count} lines of {name}", lambda: len(self.log(name).splitlines()) >= count)
        return self.log(name).splitlines()

    async def until(self, what: str, condition: Callable[[], Any]) -> Any:
        """Wait until `condition` holds; returns what it returned."""
        end = time.monotonic() + SECONDS
        while not (result := condition()):
            if self._agent is not None and self._agent.done():
                self._agent.result()
            if time.monotonic() > end:
                raise AssertionError(f"{what}: not within {SECONDS:.0f} s\n{self.picture()}")
            await asyncio.sleep(0.005)
        return result

    async def running(self, name: str) -> Object:
        """Wait until a pod is Ready; returns its status."""

        def ready() -> bool:
            return (metadata.condition({"status": self.status(name)}, "Ready") or {}).get("status") == "True"

        await self.until(f"{name} ready", ready)
        return self.status(name)

    async def gone(self, name: str) -> None:
        """Wait until the API has a pod no more."""
        await self.until(f"{name} gone", lambda: self.api.peek(PODS, name, "demo") is None)

    def events(self, reason: str) -> list[str]:
        """Return the messages of the events with this reason."""
        return [e["message"] for e in self.api._store.list(EVENTS, None) if e["reason"] == reason]

    def picture(self) -> str:
        """Return what one wants to see after a failure."""
        return "\n".join(str(pod.get("status")) for pod in self.api._store.list(PODS, None))


@asynccontextmanager
async def world(disk: Path, *, started: bool = True) -> AsyncIterator[World]:
    """Make a node in this sandbox and take it away."""
    base = disk / "volatile"
    base.mkdir()
    mounts.tmpfs(base)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    subprocess.run(["ip", "address", "replace", f"{ADDRESS}/32", "dev", "lo"], check=True)
    made = World(base, disk)
    if started:
        made.start()
    try:
        yield made
    finally:
        if made.is_up:
            await made.kill()
        await asyncio.to_thread(_end_everything, made)


def _end_everything(made: World) -> None:
    for _ in range(3):  # a container whose conmon dies first may have children left
        for top in Path("/sys/fs/cgroup").glob(f"*{made.config.cgroup_parent}"):
            for folder, _, _ in os.walk(top):  # groups come and go meanwhile
                with contextlib.suppress(OSError):
                    _kill_all((Path(folder) / "cgroup.procs").read_text().split())
        time.sleep(0.05)
    cgroups.remove_tree(made.config.cgroup_parent)
    mounts.unmount_below(made.base)


def _kill_all(pids: list[str]) -> None:
    # A process of another PID namespace reads as 0, and kill(0) would end our own group, outside included.
    for pid in (p for p in pids if p != "0"):
        with contextlib.suppress(ProcessLookupError):
            os.kill(int(pid), signal.SIGKILL)


@pytest.fixture
async def node(tmp_path: Path) -> AsyncIterator[World]:
    """Give a test a node of its own."""
    async with world(tmp_path) as made:
        yield made
