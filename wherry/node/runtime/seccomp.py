"""Seccomp profiles of containers: which system calls they may make. Pure but for reading the lists in `seccomp.yaml`.

Source: k8s.io/api/core/v1 SeccompProfile; opencontainers/runtime-spec config-linux.md (`linux.seccomp`). A container
that says nothing has RuntimeDefault, as with the kubelet's `seccompDefault: true`.
"""

from __future__ import annotations

import errno
from collections.abc import Collection
from functools import cache
from pathlib import Path

import yaml

from wherry.objects import Object

LISTS = Path(__file__).with_name("seccomp.yaml")
ALLOW, REFUSE = "SCMP_ACT_ALLOW", "SCMP_ACT_ERRNO"

NEW_NAMESPACES = 0x7E020000  # every CLONE_NEW… flag but CLONE_NEWTIME, which clone(2) cannot have (linux/sched.h)
AF_ALG, AF_VSOCK = 38, 40  # the kernel's cryptography; the hypervisor (linux/socket.h)
PERSONALITIES = (0x0, 0x8, 0x20000, 0x20008, 0xFFFFFFFF)
"""PER_LINUX, PER_LINUX32, both with UNAME26, and asking (personality(2))."""


def localhost_profile(settings: Object) -> str:
    """Return the name of the file that a container with this effective securityContext is filtered by, "" for none."""
    asked = settings.get("seccompProfile") or {}
    return asked.get("localhostProfile") or "" if asked.get("type") == "Localhost" and not _is_free(settings) else ""


def _is_free(settings: Object) -> bool:
    return bool(settings.get("privileged")) or (settings.get("seccompProfile") or {}).get("type") == "Unconfined"


def profile(
    settings: Object, granted: Collection[str], architecture: str, localhost: Object | None = None
) -> Object | None:
    """Return `linux.seccomp` for a container with this effective securityContext, None for one that has none.

    `granted`: the capabilities in its bounding set: who may mount may call mount(2). `architecture`: uname(2)'s.
    `localhost`: what is in the file of `localhost_profile`.
    """
    if _is_free(settings):
        return None
    return localhost or runtime_default(frozenset(granted), architecture)


@cache
def runtime_default(granted: frozenset[str], architecture: str) -> Object:
    """Return the profile RuntimeDefault."""
    lists = _lists()
    here = lists["byArchitecture"].get(architecture) or {}
    names = {name for group in lists["always"].values() for name in group.split()}
    names.update(here.get("calls", "").split())
    for capability in granted:
        names.update(lists["byCapability"].get(capability, "").split())
    calls = [_rule(sorted(names)), *_sockets(), *(_rule(["personality"], _is(0, value)) for value in PERSONALITIES)]
    if "CAP_SYS_ADMIN" not in granted:
        calls += _no_new_namespaces(0 if architecture != "s390x" else 1)
    made: Object = {"defaultAction": REFUSE, "defaultErrnoRet": errno.EPERM, "syscalls": calls}
    if here:
        made["architectures"] = here["architectures"]
    return made


@cache
def _lists() -> Object:
    lists: Object = yaml.load(LISTS.read_bytes(), yaml.CSafeLoader)
    return lists


def _sockets() -> list[Object]:
    """Return the rules for socket(2): every family but two."""
    return [
        _rule(["socket"], {"index": 0, "value": AF_ALG, "op": "SCMP_CMP_LT"}),
        _rule(["socket"], _is(0, AF_ALG + 1)),
        _rule(["socket"], {"index": 0, "value": AF_VSOCK, "op": "SCMP_CMP_GT"}),
    ]


def _no_new_namespaces(flags: int) -> list[Object]:
    """Return the rules for clone(2), whose argument number `flags` has the flags, and for clone3(2).

    The latter's are in memory, where no filter can look: it is not there, and C libraries then use the former.
    """
    masked = {"index": flags, "value": NEW_NAMESPACES, "valueTwo": 0, "op": "SCMP_CMP_MASKED_EQ"}
    return [_rule(["clone"], masked), {"names": ["clone3"], "action": REFUSE, "errnoRet": errno.ENOSYS}]


def _is(index: int, value: int) -> Object:
    return {"index": index, "value": value, "op": "SCMP_CMP_EQ"}


def _rule(names: list[str], *arguments: Object) -> Object:
    rule: Object = {"names": names, "action": ALLOW}
    return rule | ({"args": list(arguments)} if arguments else {})
