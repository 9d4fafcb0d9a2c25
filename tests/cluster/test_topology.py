"""The LAN, in the kernel."""

from __future__ import annotations

import errno
import subprocess
import sys

import pytest

PROGRAM = """
import socket, subprocess, sys, time
from wherry.cluster import topology
from wherry.cluster.config import ClusterConfig, plan_nodes
from wherry.cluster.paths import NETNS, RUN, node_namespace
from wherry.net import namespaces
from wherry.node.network import link

RUN.mkdir(parents=True, exist_ok=True)
subprocess.run(["mount", "-t", "tmpfs", "none", RUN], check=True)
lan, pods, services, gateway, address, nobodys = sys.argv[1:]
config = ClusterConfig("t", plan_nodes("2", lan, pods), lan, pods, services)
topology.build(config)
pod = NETNS / "pod"
namespaces.create(pod)
namespaces.run(node_namespace(config.nodes[0].name), link.attach, pod, "uid", [link.Ends(address, gateway)])

def attempts():
    for _ in range(10):
        began = time.monotonic()
        with socket.socket(config.families[0].number) as made:
            made.settimeout(5)
            error = made.connect_ex((nobodys, 443))
        print(error, "at once" if time.monotonic() - began < 2.5 else "late")

namespaces.run(pod, attempts)
"""


FOUR = ("192.168.51.0/24", "10.244.0.0/16", "10.96.0.0/12", "10.244.0.1", "10.244.0.9", "10.96.0.1")
SIX = ("fd00:51::/64", "fd00:244::/56", "fd00:96::/108", "fd00:244::1", "fd00:244::9", "fd00:96::1")


@pytest.mark.kernel
@pytest.mark.parametrize(("addresses", "error"), [(FOUR, errno.ENETUNREACH), (SIX, errno.ECONNREFUSED)])
def test_what_lies_beyond_the_lan_is_refused_to_pods_at_once_every_time(addresses: tuple[str, ...], error: int):
    command = ["unshare", "--mount", "--net", sys.executable, "-c", PROGRAM, *addresses]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.splitlines() == [f"{error} at once"] * 10, done.stderr
