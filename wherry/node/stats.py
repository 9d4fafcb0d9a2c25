"""What pods use, by their control groups: `/stats/summary`.

Source: k8s.io/kubelet pkg/apis/stats/v1alpha1 (types.go). Counters are given as the kernel counts them; rates
(usageNanoCores) are for whoever asks twice, as metrics-server does.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from aiohttp import web

from wherry.node import cgroups
from wherry.objects import Object
from wherry.objects.timestamps import rfc3339


@dataclass(frozen=True, slots=True)
class PodGroups:
    """A pod, its control group and its running containers': container name -> (started at, control group)."""

    pod: Object
    group: str
    containers: Mapping[str, tuple[float, str]]


@dataclass(frozen=True, slots=True)
class Usage:
    """What a control group has used of the CPU in nanoseconds, and uses of memory in bytes, without idle file pages."""

    cpu: int
    memory: int
    working_set: int


def usage(group: str, root: Path = cgroups.ROOT) -> Usage | None:
    """Return what a control group uses, None when it is gone, or the kernel counts nothing here. Blocks."""
    try:
        return _unified(root / group.strip("/")) if cgroups.is_unified(root) else _by_controller(group.strip("/"), root)
    except (OSError, ValueError, KeyError):
        return None


def _unified(folder: Path) -> Usage:
    memory = int((folder / "memory.current").read_text())
    idle = _table(folder / "memory.stat")["inactive_file"]
    return Usage(_table(folder / "cpu.stat")["usage_usec"] * 1000, memory, max(0, memory - idle))


def _by_controller(group: str, root: Path) -> Usage:
    memory = int((root / "memory" / group / "memory.usage_in_bytes").read_text())
    idle = _table(root / "memory" / group / "memory.stat")["total_inactive_file"]
    cpu = int((root / "cpuacct" / group / "cpuacct.usage").read_text())
    return Usage(cpu, memory, max(0, memory - idle))


def _table(path: Path) -> dict[str, int]:
    return {name: int(value) for name, value in (line.split() for line in path.read_text().splitlines())}


class Stats:
    """Serves the summary of the node `name`: what its pods use of `memory` bytes and of the disk of `state_dir`."""

    def __init__(self, name: str, group: str, memory: int, state_dir: Path, pods: Callable[[], Iterable[PodGroups]]):
        self._name = name
        self._group = group
        self._memory = memory
        self._state_dir = state_dir
        self._pods = pods

    def routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [web.get("/stats/summary", self._answer)]

    async def _answer(self, _: web.Request) -> web.Response:
        pods = list(self._pods())
        return web.json_response(await asyncio.to_thread(self.summary, pods, time.time()))

    def summary(self, pods: Iterable[PodGroups], now: float) -> Object:
        """Return the Summary. Blocks."""
        disk = os.statvfs(self._state_dir)
        node = _used(usage(self._group), now)
        if "memory" in node:
            node["memory"]["availableBytes"] = max(0, self._memory - node["memory"]["workingSetBytes"])
        filesystem = {
            "time": rfc3339(now),
            "availableBytes": disk.f_bavail * disk.f_frsize,
            "capacityBytes": disk.f_blocks * disk.f_frsize,
            "usedBytes": (disk.f_blocks - disk.f_bfree) * disk.f_frsize,
        }
        return {"node": {"nodeName": self._name, **node, "fs": filesystem}, "pods": [_of_pod(one, now) for one in pods]}


def _of_pod(one: PodGroups, now: float) -> Object:
    meta, status = one.pod["metadata"], one.pod.get("status") or {}
    containers = [
        {"name": name, "startTime": rfc3339(started), **_used(usage(group), now)}
        for name, (started, group) in one.containers.items()
    ]
    return {
        "podRef": {"name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
        "startTime": status.get("startTime"),
        "containers": containers,
        **_used(usage(one.group), now),
    }


def _used(found: Usage | None, now: float) -> Object:
    if found is None:
        return {}
    memory = {"time": rfc3339(now), "usageBytes": found.memory, "workingSetBytes": found.working_set}
    return {"cpu": {"time": rfc3339(now), "usageCoreNanoSeconds": found.cpu}, "memory": memory}
