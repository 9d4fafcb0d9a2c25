"""What a pod's containers share: namespaces, control group, network, /dev/shm and the files in /etc.

run_dir/pods/UID/{net,uts,ipc,pid,user}  namespaces (bind mounts)     run_dir/pods/UID/shm   the shared /dev/shm
run_dir/pods/UID/{hosts,hostname,resolv.conf}                  run_dir/pods/UID/pod.json   whose it is
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_address
from pathlib import Path

import msgspec

from wherry.net import namespaces as netns
from wherry.node import cgroups, mounts
from wherry.node.cgroups import NO_LIMITS, CgroupLimits
from wherry.node.downward import fields, files, resolver
from wherry.node.network import hostports, link
from wherry.node.network.addresses import AddressPool
from wherry.node.network.hostports import HostPort
from wherry.node.pods.act import namespaces as podns
from wherry.node.pods.act.holder import Holders
from wherry.node.pods.plan.state import Sandbox
from wherry.node.runtime import resources
from wherry.node.runtime.spec import Mount, Namespaces, Users
from wherry.objects import Object

FIRST_USER, USERS_RANGES = 1 << 30, 1 << 14
"""Where the users of pods begin, beyond people's and what they lend (subuid(5)), and how many pods can have some."""
SHM_BYTES = 64 << 20
PROVIDED = ("hosts", "hostname", "resolv.conf")


class Owner(msgspec.Struct, frozen=True):
    """Whose sandbox a folder is: the pod as it was, for taking it down when the API has forgotten it.

    Its containers have the resources that are allocated to them; `limits` are in force in its control group.
    """

    pod: Object
    ips: tuple[str, ...]
    handler: str = ""
    limits: CgroupLimits = NO_LIMITS


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """What sandboxes on this node have in common; `addresses` are the node's own."""

    run_dir: Path
    cgroup_parent: str
    addresses: tuple[str, ...]
    cluster_dns: str
    cluster_domain: str
    pod_pids_limit: int
    name_servers: Sequence[str] = ()


class Sandboxes:
    """Makes and removes sandboxes. All methods but `folder` and the like block: call them in a thread."""

    def __init__(self, settings: SandboxSettings, pools: Sequence[AddressPool], holders: Holders):
        self._settings = settings
        self._holders = holders
        self._pools = pools
        self._pods = settings.run_dir / "pods"
        self._pods.mkdir(parents=True, exist_ok=True)

    def folder(self, uid: str) -> Path:
        """Return the pod's folder."""
        return self._pods / uid

    def present(self) -> list[str]:
        """Return the uids of the pods that have a sandbox here, or the beginnings of one."""
        return [folder.name for folder in self._pods.iterdir()]

    def pod(self, uid: str) -> Object | None:
        """Return the pod whose sandbox is here, as it was when that was made; None where it never was whole."""
        owner = self._owner(uid)
        return owner.pod if owner else None

    def _owner(self, uid: str) -> Owner | None:
        try:
            return msgspec.json.decode((self.folder(uid) / "pod.json").read_bytes(), type=Owner)
        except (OSError, msgspec.DecodeError):
            return None

    def host_ports(self) -> list[HostPort]:
        """Return the host ports of all pods that have a sandbox here."""
        owners = map(self._owner, self.present())
        return [port for owner in owners if owner for port in hostports.of_pod(owner.pod, owner.ips)]

    def cgroup(self, uid: str) -> str:
        """Return the path of the pod's control group."""
        return f"{self._settings.cgroup_parent.rstrip('/')}/pod{uid}"

    def find(self, uid: str) -> Sandbox | None:
        """Return the pod's sandbox if it is whole: made by this or an earlier agent of this life of the node."""
        owner = self._owner(uid)
        if owner is None:
            return None
        if not owner.pod["spec"].get("hostNetwork") and not netns.exists(self.folder(uid) / "net"):
            return None
        return Sandbox(owner.ips, owner.handler, owner.limits)

    def addresses(self, pod: Object) -> tuple[str, ...]:
        """Return the addresses of a pod's own that it has or will have, taking them; raises NoAddressLeftError."""
        return tuple(pool.allocate(pod["metadata"]["uid"]) for pool in self._pools)

    def set_up(self, pod: Object, handler: str = "") -> Sandbox:
        """Make the sandbox, for containers that `handler` runs.

        Raises OSError, NoAddressLeftError; `tear_down` undoes what was made before that.
        """
        uid, spec = pod["metadata"]["uid"], pod["spec"]
        folder = self.folder(uid)
        folder.mkdir(exist_ok=True)
        limits = resources.of_pod(pod)
        cgroups.create(self.cgroup(uid), replace(limits, pids=self._settings.pod_pids_limit))
        wanted = {"uts": folder / "uts", "ipc": folder / "ipc"}
        if spec.get("hostIPC"):
            del wanted["ipc"]
        if spec.get("hostUsers") is False:
            self.addresses(pod)
        users = self._users(pod)
        if users is None:
            podns.create({k: p for k, p in wanted.items() if not mounts.is_mounted(p)}, fields.hostname(pod))
        elif not mounts.is_mounted(folder / "uts"):  # the last to be made
            podns.create_with_users(folder, users.first, fields.hostname(pod))
        if not spec.get("hostIPC") and not mounts.is_mounted(folder / "shm"):
            (folder / "shm").mkdir(exist_ok=True)
            mounts.tmpfs(folder / "shm", size=SHM_BYTES, mode=0o1777)
        ips = self._settings.addresses if spec.get("hostNetwork") else self._connect(folder, pod)
        self._write_files(pod, folder, ips)
        self._keep(Owner(pod, ips, handler, limits))
        return Sandbox(ips, handler, limits)

    def allocate(self, pod: Object) -> None:
        """Remember what is allocated to the containers of a pod that has a sandbox: another agent goes on with it."""
        if owner := self._owner(pod["metadata"]["uid"]):
            self._keep(msgspec.structs.replace(owner, pod=pod))

    def limit(self, pod: Object, limits: CgroupLimits) -> None:
        """Change the limits of a pod's control group. Raises OSError."""
        uid = pod["metadata"]["uid"]
        cgroups.limit(self.cgroup(uid), replace(limits, pids=self._settings.pod_pids_limit))
        if owner := self._owner(uid):
            self._keep(msgspec.structs.replace(owner, limits=limits))

    def _keep(self, owner: Owner) -> None:
        """Write down whose sandbox it is, whole or not at all."""
        path = self.folder(owner.pod["metadata"]["uid"]) / "pod.json"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(owner))
        fresh.replace(path)

    def _connect(self, folder: Path, pod: Object) -> tuple[str, ...]:
        uid, ips = pod["metadata"]["uid"], self.addresses(pod)
        if not netns.exists(folder / "net"):
            (folder / "net").unlink(missing_ok=True)
            netns.create(folder / "net")
        led_on = bool(hostports.of_pod(pod, ips))
        ends = [link.Ends(ip, pool.gateway) for ip, pool in zip(ips, self._pools, strict=True)]
        link.attach(folder / "net", uid, ends, from_loopback=led_on)
        return ips

    def _write_files(self, pod: Object, folder: Path, ips: Sequence[str]) -> None:
        node_hosts = _read(Path("/etc/hosts"))
        own, behind = _read(resolver.FILE), _read(resolver.BEHIND_THE_STUB)
        node_resolver = resolver.of_node(own, behind, self._settings.name_servers)
        domain = self._settings.cluster_domain
        (folder / "hosts").write_text(files.hosts(pod, ips, domain, node_hosts))
        (folder / "hostname").write_text(fields.hostname(pod) + "\n")
        text = files.resolv_conf(pod, [self._settings.cluster_dns], domain, node_resolver)
        (folder / "resolv.conf").write_text(text)

    def _users(self, pod: Object) -> Users | None:
        """Return the pod's own users, told by its address, which no other pod has; None while it has none."""
        uid = pod["metadata"]["uid"]
        address = self._pools[0].of(uid) if pod["spec"].get("hostUsers") is False else None
        if address is None:
            return None
        number = int(ip_address(address)) % USERS_RANGES
        return Users(self.folder(uid) / "user", FIRST_USER + number * podns.USERS, podns.USERS)

    def namespaces(self, pod: Object) -> Namespaces:
        """Return the namespaces the pod's containers join."""
        folder, spec = self.folder(pod["metadata"]["uid"]), pod["spec"]
        return Namespaces(
            network=None if spec.get("hostNetwork") else folder / "net",
            ipc=None if spec.get("hostIPC") else folder / "ipc",
            uts=folder / "uts",
            host_pid=bool(spec.get("hostPID")),
            pid=folder / "pid" if spec.get("shareProcessNamespace") else None,
            users=self._users(pod),
        )

    def share_processes(self, pod: Object) -> None:
        """See that the PID namespace is there that the pod's containers share, if they do: before each is started."""
        if pod["spec"].get("shareProcessNamespace"):
            uid = pod["metadata"]["uid"]
            self._holders.hold(self.folder(uid), uid, self.cgroup(uid), self._users(pod))

    def shared_memory(self, pod: Object) -> Path:
        """Return what is at /dev/shm in the pod's containers."""
        return Path("/dev/shm") if pod["spec"].get("hostIPC") else self.folder(pod["metadata"]["uid"]) / "shm"

    def provided_files(self, pod: Object) -> list[Mount]:
        """Return the mounts of the files in /etc."""
        folder = self.folder(pod["metadata"]["uid"])
        return [Mount(folder / name, f"/etc/{name}") for name in PROVIDED]

    def tear_down(self, uid: str) -> None:
        """Remove the sandbox, however much of it there is; the folder last, as it tells what is left to do."""
        self.disconnect(uid)
        self._holders.release(self.folder(uid), uid)
        cgroups.remove_tree(self.cgroup(uid))
        mounts.remove_tree(self.folder(uid))

    def disconnect(self, uid: str) -> None:
        """Take the pod off the network and free its addresses."""
        link.detach(uid)
        netns.delete(self.folder(uid) / "net")
        for pool in self._pools:
            pool.release(uid)


def _read(path: Path) -> str:
    try:
        return path.read_text()
    except OSError:
        return ""
