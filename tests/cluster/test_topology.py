"""The LAN, in the kernel."""

from __future__ import annotations

import subprocess
import sys

import pytest

PROGRAM = """
import socket, subprocess, time
from wherry.cluster import topology
from wherry.cluster.config import ClusterConfig, plan_nodes
from wherry.cluster.paths import NETNS, RUN, node_namespace
from wherry.net import namespaces
from wherry.node.network import link

RUN.mkdir(parents=True, exist_ok=True)
subprocess.run(["mount", "-t", "tmpfs", "none", RUN], check=True)
config = ClusterConfig(name="t", nodes=plan_nodes("2", "192.168.51.0/24", "10.244.0.0/16"))
topology.build(config)
pod = NETNS / "pod"
namespaces.create(pod)
namespaces.run(node_namespace(config.nodes[0].name), link.attach, pod, "uid", "10.244.0.9", "10.244.0.1")

def attempts():
    for _ in range(10):
        began = time.monotonic()
        with socket.socket() as made:
            made.settimeout(5)
            error = made.connect_ex(("10.96.0.1", 443))
        print(error, "at once" if time.monotonic() - began < 0.5 else "late")

namespaces.run(pod, attempts)
"""


@pytest.mark.kernel
def test_what_lies_beyond_the_lan_is_refused_to_pods_at_once_every_time():
    command = ["unshare", "--mount", "--net", sys.executable, "-c", PROGRAM]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.stdout.splitlines() == ["101 at once"] * 10, done.stderr
