"""Which kernel settings a pod may have."""

from __future__ import annotations

import pytest

from tests.node.build import pod
from wherry.node.pods.plan.decide import decide
from wherry.node.pods.plan.state import Rejection, State
from wherry.node.pods.plan.sysctls import dotted, rejection
from wherry.node.pods.status.build import build
from wherry.objects import Object


def asking(*names: str, **spec: object) -> Object:
    return pod(securityContext={"sysctls": [{"name": name, "value": "1"} for name in names]}, **spec)


@pytest.mark.parametrize("name", ["net.ipv4.tcp_syncookies", "net/ipv4/tcp_syncookies", "kernel.shm_rmid_forced"])
def test_a_safe_one_is_let_in(name: str):
    assert rejection(asking(name)) is None


@pytest.mark.parametrize("name", ["kernel.msgmax", "kernel/core_pattern", "net.core.somaxconn", "vm.swappiness"])
def test_any_other_is_not(name: str):
    found = rejection(asking("net.ipv4.tcp_syncookies", name))
    assert found == Rejection("SysctlForbidden", f'forbidden sysctl: "{dotted(name)}" not allowlisted')


@pytest.mark.parametrize(
    ("name", "shared", "what"),
    [("net.ipv4.tcp_syncookies", "hostNetwork", "net"), ("kernel.shm_rmid_forced", "hostIPC", "ipc")],
)
def test_one_of_a_namespace_that_is_the_nodes_is_not(name: str, shared: str, what: str):
    found = rejection(asking(name, **{shared: True}))
    assert found is not None
    assert found.message == f'forbidden sysctl: "{name}" not allowed with host {what} enabled'


def test_slashes_part_a_name_that_begins_with_one():
    assert dotted("net/ipv4/conf/eth0.1/arp") == "net.ipv4.conf.eth0/1.arp"
    assert dotted("net.ipv4.conf.eth0/1.arp") == "net.ipv4.conf.eth0/1.arp"


def test_a_pod_that_is_rejected_fails_with_the_reason_and_starts_nothing():
    spec = asking("kernel.msgmax")
    state = State(rejected=rejection(spec), cleaned=True)
    assert decide(spec, state, 0.0).actions == []
    status = build(spec, state, 0.0, host_ips=["10.0.0.1"], runtime="runc", recursive=True)
    assert (status["phase"], status["reason"]) == ("Failed", "SysctlForbidden")
    assert status["message"] == 'Pod was rejected: forbidden sysctl: "kernel.msgmax" not allowlisted'
    assert "containerStatuses" not in status
