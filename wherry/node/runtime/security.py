"""Who a container runs as and what it may do: users, groups, capabilities. Pure, but for `accounts`.

Source: k8s.io/api/core/v1 SecurityContext and PodSecurityContext; the default capabilities are containerd's
(pkg/oci spec_opts.go).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from wherry.node.images.accounts import Accounts, OfThisMachine
from wherry.objects import Object

DEFAULT_CAPABILITIES = (
    "CAP_AUDIT_WRITE", "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_MKNOD",
    "CAP_NET_BIND_SERVICE", "CAP_NET_RAW", "CAP_SETFCAP", "CAP_SETGID", "CAP_SETPCAP", "CAP_SETUID", "CAP_SYS_CHROOT",
)  # fmt: skip

CAPABILITIES = (
    "CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID",
    "CAP_SETUID", "CAP_SETPCAP", "CAP_LINUX_IMMUTABLE", "CAP_NET_BIND_SERVICE", "CAP_NET_BROADCAST", "CAP_NET_ADMIN",
    "CAP_NET_RAW", "CAP_IPC_LOCK", "CAP_IPC_OWNER", "CAP_SYS_MODULE", "CAP_SYS_RAWIO", "CAP_SYS_CHROOT",
    "CAP_SYS_PTRACE", "CAP_SYS_PACCT", "CAP_SYS_ADMIN", "CAP_SYS_BOOT", "CAP_SYS_NICE", "CAP_SYS_RESOURCE",
    "CAP_SYS_TIME", "CAP_SYS_TTY_CONFIG", "CAP_MKNOD", "CAP_LEASE", "CAP_AUDIT_WRITE", "CAP_AUDIT_CONTROL",
    "CAP_SETFCAP", "CAP_MAC_OVERRIDE", "CAP_MAC_ADMIN", "CAP_SYSLOG", "CAP_WAKE_ALARM", "CAP_BLOCK_SUSPEND",
    "CAP_AUDIT_READ", "CAP_PERFMON", "CAP_BPF", "CAP_CHECKPOINT_RESTORE",
)  # fmt: skip
"""Every capability, at the index of its bit (linux/capability.h)."""


class UserError(ValueError):
    """The user asked for does not exist, or may not be used; the message is the container's waiting message."""


@dataclass(frozen=True, slots=True)
class User:
    """The process's credentials: numeric ids, and the home folder of the account if there is one."""

    uid: int = 0
    gid: int = 0
    groups: tuple[int, ...] = ()
    home: str = "/"


def bounding_set(status: str) -> frozenset[str]:
    """Return the capabilities in the `CapBnd:` line of the text of /proc/PID/status: no container can have others."""
    line = next(line for line in status.splitlines() if line.startswith("CapBnd:"))
    bits = int(line.split()[1], 16)
    return frozenset(name for i, name in enumerate(CAPABILITIES) if bits >> i & 1)


def capabilities(security: Object, available: frozenset[str]) -> list[str]:
    """Return the capabilities of a container with this securityContext, in a fixed order."""
    changes = security.get("capabilities") or {}
    added, dropped = _named(changes.get("add")), _named(changes.get("drop"))
    wanted = set(CAPABILITIES if security.get("privileged") or "CAP_ALL" in added else DEFAULT_CAPABILITIES)
    if "CAP_ALL" in dropped:
        wanted = set(CAPABILITIES if "CAP_ALL" in added else ())
    wanted = (wanted | added) - dropped
    return [name for name in CAPABILITIES if name in wanted and name in available]


def added(security: Object, granted: Sequence[str]) -> list[str]:
    """Return those of the `granted` capabilities that the securityContext adds by name; none without new privileges."""
    if security.get("allowPrivilegeEscalation") is False:
        return []
    names = _named((security.get("capabilities") or {}).get("add"))
    return [name for name in granted if name in names]


def _named(names: Sequence[str] | None) -> set[str]:
    upper = (name.upper() for name in names or ())
    return {name if name.startswith("CAP_") else f"CAP_{name}" for name in upper}


def effective(pod: Object, container: Object) -> Object:
    """Return the container's securityContext with what it leaves open taken from the pod's."""
    inherited = ("runAsUser", "runAsGroup", "runAsNonRoot", "seLinuxOptions", "seccompProfile", "appArmorProfile")
    of_pod = (pod.get("spec") or {}).get("securityContext") or {}
    return {k: of_pod[k] for k in inherited if k in of_pod} | (container.get("securityContext") or {})


def resolve_user(image_user: str, pod: Object, container: Object, accounts: Accounts = OfThisMachine()) -> User:  # noqa: B008
    """Return who the container runs as: its securityContext, else its pod's, else the image's user, else root.

    Names are looked up in `accounts`, the image's. Raises UserError.
    """
    security = effective(pod, container)
    name, _, group = image_user.partition(":")
    account = _account(str(security["runAsUser"]) if "runAsUser" in security else name or "0", accounts)
    gid = account.gid
    if "runAsGroup" in security:
        gid = int(security["runAsGroup"])
    elif group and "runAsUser" not in security:
        gid = _group(group, accounts)
    if security.get("runAsNonRoot") and account.uid == 0:
        meta = pod["metadata"]
        where = f'(pod: "{meta["name"]}_{meta["namespace"]}({meta["uid"]})", container: {container["name"]})'
        cause = "container's runAsUser breaks non-root policy"
        if "runAsUser" not in security:
            cause = "container has runAsNonRoot and image will run as root"
        raise UserError(f"{cause} {where}")
    of_pod = pod["spec"].get("securityContext") or {}
    groups = {*account.groups, *(of_pod.get("supplementalGroups") or ())}
    if "fsGroup" in of_pod:
        groups.add(of_pod["fsGroup"])
    return User(account.uid, gid, tuple(sorted(groups - {gid})), account.home)


def _account(user: str, accounts: Accounts) -> User:
    entry = accounts.user(user)
    if entry is not None:
        groups = tuple(gid for gid in accounts.groups(entry.name) if gid != entry.gid)
        return User(entry.uid, entry.gid, groups, entry.home)
    if user.isdigit():
        return User(int(user))
    raise UserError(f"unable to find user {user}: no matching entries in passwd file")


def _group(group: str, accounts: Accounts) -> int:
    found = int(group) if group.isdigit() else accounts.group(group)
    if found is None:
        raise UserError(f"unable to find group {group}: no matching entries in group file")
    return found
