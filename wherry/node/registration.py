"""The node's own objects: the Node, kept true, and the Lease that says it is alive.

Source: kubernetes pkg/kubelet/kubelet_node_status.go, pkg/kubelet/nodestatus/setters.go; KEP-589 (Lease heartbeats:
renewed every 10 s, good for 40 s; the Node itself at least every 5 minutes).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import platform
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from wherry.client.interface import Client
from wherry.component.backoff import Backoff
from wherry.component.informer import Informer
from wherry.node.config import NodeConfig
from wherry.node.runtime.machine import Programs
from wherry.node.runtime.spec import Machine
from wherry.objects import Object, metadata, version
from wherry.objects.errors import AlreadyExists, ApiError, NotFound
from wherry.objects.meaning import wellknown
from wherry.objects.resource import LEASES, NODES
from wherry.objects.timestamps import micro, rfc3339

log = logging.getLogger(__name__)

LEASE_RENEWED_SECONDS = 10.0
LEASE_DURATION_SECONDS = 40
STATUS_REPORTED_SECONDS = 300.0
FIRST_RETRY_SECONDS = 0.1
LONGEST_RETRY_SECONDS = 1.0
MAX_PODS = 110

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "armv7l": "arm"}

CONDITIONS = (
    ("MemoryPressure", "False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    ("DiskPressure", "False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    ("PIDPressure", "False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    ("Ready", "True", "KubeletReady", "kubelet is posting ready status"),
)


@dataclass(frozen=True, slots=True)
class Hardware:
    """What there is: memory and disk in bytes."""

    cpus: int
    memory: int
    disk: int
    machine_id: str
    boot_id: str
    os_image: str

    @property
    def allocatable(self) -> dict[str, int]:
        """What pods may use: cpu in millicores, the others in bytes."""
        return {"cpu": self.cpus * 1000, "memory": self.memory, "ephemeral-storage": self.disk}


def hardware(state_dir: Path) -> Hardware:
    """Look at this machine; the disk is the one `state_dir` is on."""
    disk = os.statvfs(state_dir)
    return Hardware(
        cpus=os.cpu_count() or 1,
        memory=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        disk=disk.f_blocks * disk.f_frsize,
        machine_id=_line(Path("/etc/machine-id")),
        boot_id=_line(Path("/proc/sys/kernel/random/boot_id")),
        os_image=platform.freedesktop_os_release().get("PRETTY_NAME", "Linux"),
    )


def _line(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def labels(config: NodeConfig) -> dict[str, str]:
    """Return the labels the node keeps on itself."""
    architecture = ARCHITECTURES.get(platform.machine(), platform.machine())
    return {
        wellknown.BETA_ARCH: architecture,
        wellknown.BETA_OS: "linux",
        wellknown.ARCH: architecture,
        wellknown.HOSTNAME: config.name,
        wellknown.OS: "linux",
        **config.labels,
    }


def node(config: NodeConfig) -> Object:
    """Return the Node to create, without its status."""
    spec: Object = {"podCIDR": config.pod_cidrs[0], "podCIDRs": list(config.pod_cidrs)}
    if config.taints:
        spec["taints"] = list(config.taints)
    meta: Object = {"name": config.name, "labels": labels(config)}
    return {"apiVersion": "v1", "kind": "Node", "metadata": meta, "spec": spec}


def handlers(machines: Mapping[str, Machine]) -> list[Object]:
    """Return what the Node tells of the handlers that RuntimeClasses can name, "" being what runs all other pods."""
    return [
        {
            "name": name,
            "features": {
                "recursiveReadOnlyMounts": machines[name].recursive_read_only,
                "userNamespaces": machines[name].user_namespaces,
            },
        }
        for name in sorted(machines)
    ]


def status(config: NodeConfig, machine: Hardware, programs: Programs, old: Object, now: float) -> Object:
    """Return the Node's status but for its handlers; `old` is the Node as it is."""
    amounts = {
        "cpu": str(machine.cpus),
        "memory": f"{machine.memory // 1024}Ki",
        "ephemeral-storage": f"{machine.disk // 1024}Ki",
        "pods": str(MAX_PODS),
        "hugepages-1Gi": "0",
        "hugepages-2Mi": "0",
    }
    return {
        "addresses": [
            *({"type": "InternalIP", "address": address} for address in config.addresses),
            {"type": "Hostname", "address": config.name},
        ],
        "capacity": amounts,
        "allocatable": amounts,
        "conditions": conditions(old, now),
        "daemonEndpoints": {"kubeletEndpoint": {"Port": config.port}},
        "images": [],
        "nodeInfo": {
            "machineID": machine.machine_id,
            "systemUUID": machine.machine_id,
            "bootID": machine.boot_id,
            "kernelVersion": platform.release(),
            "osImage": machine.os_image,
            "containerRuntimeVersion": f"{programs.name}://{programs.version}",
            "kubeletVersion": version.GIT_VERSION,
            "kubeProxyVersion": "",
            "operatingSystem": "linux",
            "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()),
        },
    }


def conditions(old: Object, now: float) -> list[Object]:
    """Return the Node's conditions: ours up to date, with the heartbeat of `now`, others' kept."""
    result = list((old.get("status") or {}).get("conditions") or ())
    for name, value, reason, message in CONDITIONS:
        result = metadata.set_condition(result, name, value, reason, message, rfc3339(now))
    ours = {name for name, *_ in CONDITIONS}
    return [{**c, "lastHeartbeatTime": rfc3339(now)} if c["type"] in ours else c for c in result]


def is_doubted(node: Object) -> bool:
    """Tell whether the Node does not say what we do: the node controller writes Unknown after a silence."""
    return any((metadata.condition(node, name) or {}).get("status") != value for name, value, *_ in CONDITIONS)


def lease(config: NodeConfig, uid: str, now: float) -> Object:
    """Return the node's Lease, owned by its Node."""
    owner = {"apiVersion": "v1", "kind": "Node", "name": config.name, "uid": uid}
    return {
        "apiVersion": "coordination.k8s.io/v1",
        "kind": "Lease",
        "metadata": {"name": config.name, "namespace": wellknown.NODE_LEASE_NAMESPACE, "ownerReferences": [owner]},
        "spec": {
            "holderIdentity": config.name,
            "leaseDurationSeconds": LEASE_DURATION_SECONDS,
            "renewTime": micro(now),
        },
    }


class Registration:
    """Keeps the Node and its Lease. `register` returns once the Node is there and Ready; then `run` keeps both."""

    def __init__(
        self,
        client: Client,
        config: NodeConfig,
        machine: Hardware,
        programs: Programs,
        machines: Mapping[str, Machine],
    ):
        self._handlers = handlers(machines)
        self._client = client
        self._config = config
        self._machine = machine
        self._programs = programs
        self._uid = ""
        self._doubted = asyncio.Event()
        self.registered = asyncio.Event()

    def heed(self, nodes: Informer) -> None:
        """Report at once when the Node in `nodes` does not say what we say, as after a silence of ours."""
        nodes.subscribe(self._changed)

    def _changed(self, old: Object | None, new: Object | None) -> None:
        if new is not None and new["metadata"]["name"] == self._config.name and is_doubted(new):
            self._doubted.set()

    async def register(self) -> None:
        """Create or update the Node, however long the API server needs to be there."""
        backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        while True:
            try:
                await self._report()
            except ApiError as error:
                pause = backoff.failed()
                log.info("node not registered yet: node=%s error=%s", self._config.name, error)
                await asyncio.sleep(pause)
            else:
                return

    async def run(self) -> None:
        """Register, and renew until cancelled."""
        if not self.registered.is_set():
            await self.register()
            log.info("node registered: node=%s address=%s", self._config.name, self._config.address)
            self.registered.set()
        reported = time.monotonic()
        while True:
            try:
                await self._renew()
                if self._doubted.is_set() or time.monotonic() - reported > STATUS_REPORTED_SECONDS:
                    self._doubted.clear()
                    reported = time.monotonic()
                    await self._report()
            except ApiError as error:
                log.info("node lease not renewed: node=%s error=%s", self._config.name, error)
                self._doubted.set()  # so that it is told as soon as somebody listens
                await asyncio.sleep(LONGEST_RETRY_SECONDS)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LEASE_RENEWED_SECONDS):
                    await self._doubted.wait()

    async def _report(self) -> None:
        """Create the Node if it is not there; put our labels, pod range and status on it, leaving all else."""
        name = self._config.name
        wanted = node(self._config)
        try:
            known = await self._client.get(NODES, name)
        except NotFound:
            try:
                known = await self._client.create(NODES, wanted)
            except AlreadyExists:
                known = await self._client.get(NODES, name)
        change: Object = {}
        if any(metadata.labels(known).get(k) != v for k, v in wanted["metadata"]["labels"].items()):
            change["metadata"] = {"labels": wanted["metadata"]["labels"]}
        ranges = {k: wanted["spec"][k] for k in ("podCIDR", "podCIDRs")}
        if {k: (known.get("spec") or {}).get(k) for k in ranges} != ranges:
            change["spec"] = ranges
        if change:
            known = await self._client.patch(NODES, name, change)
        now = time.time()
        new = status(self._config, self._machine, self._programs, known, now) | {"runtimeHandlers": self._handlers}
        await self._client.patch(NODES, name, {"status": new}, subresource="status")
        self._uid = known["metadata"]["uid"]

    async def _renew(self) -> None:
        wanted = lease(self._config, self._uid, time.time())
        try:
            change = {"spec": wanted["spec"]}
            await self._client.patch(LEASES, self._config.name, change, wellknown.NODE_LEASE_NAMESPACE)
        except NotFound:
            await self._client.create(LEASES, wanted, wellknown.NODE_LEASE_NAMESPACE)
