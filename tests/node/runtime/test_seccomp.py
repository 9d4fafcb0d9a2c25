"""Which system calls a container may make."""

from __future__ import annotations

from typing import Any

import pytest

from wherry.node.runtime.seccomp import localhost_profile, profile
from wherry.node.runtime.security import CAPABILITIES, DEFAULT_CAPABILITIES
from wherry.objects import Object


def names(found: Object | None, *, without_arguments: bool = True) -> set[str]:
    assert found is not None
    rules = [rule for rule in found["syscalls"] if rule["action"] == "SCMP_ACT_ALLOW"]
    return {name for rule in rules for name in rule["names"] if not (without_arguments and rule.get("args"))}


@pytest.mark.parametrize("kind", [None, "RuntimeDefault"])
def test_a_container_that_does_not_ask_otherwise_is_filtered(kind: str | None):
    settings = {"seccompProfile": {"type": kind}} if kind else {}
    found = profile(settings, DEFAULT_CAPABILITIES, "x86_64")
    assert {"read", "execve", "chroot", "arch_prctl"} <= names(found)
    closed = {"mount", "unshare", "setns", "bpf", "keyctl", "add_key", "userfaultfd", "io_uring_setup", "init_module"}
    closed |= {"clone", "clone3", "socket", "personality", "reboot", "kexec_load", "open_by_handle_at", "swapon"}
    assert not closed & names(found)
    assert {"clone", "socket", "personality"} <= names(found, without_arguments=False)


@pytest.mark.parametrize("settings", [{"privileged": True}, {"seccompProfile": {"type": "Unconfined"}}])
def test_who_asks_for_it_is_not(settings: Any):
    assert profile(settings, DEFAULT_CAPABILITIES, "x86_64") is None


def test_a_profile_of_the_node_takes_the_place_of_the_default():
    settings = {"seccompProfile": {"type": "Localhost", "localhostProfile": "audit.json"}}
    mine: Object = {"defaultAction": "SCMP_ACT_LOG"}
    assert localhost_profile(settings) == "audit.json"
    assert profile(settings, DEFAULT_CAPABILITIES, "x86_64", mine) == mine
    assert localhost_profile({**settings, "privileged": True}) == ""
    assert localhost_profile({"seccompProfile": {"type": "RuntimeDefault"}}) == ""


@pytest.mark.parametrize(
    ("capability", "call"),
    [("CAP_SYS_ADMIN", "mount"), ("CAP_SYS_TIME", "settimeofday"), ("CAP_SYS_MODULE", "init_module")],
)
def test_a_capability_brings_the_calls_it_is_for(capability: str, call: str):
    assert call in names(profile({}, (capability,), "x86_64"))
    assert call not in names(profile({}, (), "x86_64"))


def test_each_capability_of_the_lists_exists():
    every = names(profile({}, CAPABILITIES, "x86_64"))
    assert {"mount", "clone3", "kcmp", "iopl", "acct", "vhangup", "bpf", "mbind", "syslog"} <= every


@pytest.mark.parametrize(("architecture", "own"), [("aarch64", "set_tls"), ("riscv64", "riscv_flush_icache")])
def test_an_architecture_has_calls_of_its_own(architecture: str, own: str):
    assert own in names(profile({}, (), architecture))
    assert own not in names(profile({}, (), "x86_64"))
    found = profile({}, (), "unheard-of")
    assert found is not None
    assert "architectures" not in found  # the runtime's own
