"""The way out: pods reach the world as their machine does, and nothing of the machine that is not for them."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from harness import Cluster, cluster, eventually

from tests.e2e.world import METADATA, WEB, World, ip, world

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
CURL = "exec deploy/asks -- curl -s -m 5 -w %{http_code} "
REFUSED, TIMED_OUT = 7, 28  # curl's exit codes
POD = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: asks}
spec:
  selector: {matchLabels: {app: asks}}
  template:
    metadata: {labels: {app: asks}}
    spec:
      terminationGracePeriodSeconds: 0
      containers: [{name: main, image: test/shell}]
"""


@pytest.fixture(scope="module")
def around(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with world("egress", tmp_path_factory.mktemp("world")) as made:
        yield made


@pytest.fixture(scope="module")
def k8s(around: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    options = ("--nodes", "2", "--addons", "dns", "--egress", "on", "--image-map", str(HERE / "image-map.yaml"))
    home = tmp_path_factory.mktemp("egress")
    with cluster("egress", "127.0.0.1", home, *options, within=around.within) as made:
        made.kubectl("apply -f -", stdin=POD)
        made.kubectl("rollout status deployment/asks --timeout=60s")
        yield made


def exit_code(k8s: Cluster, url: str) -> int:
    """What curl, in the pod, makes of a URL."""
    script = f"curl -s -m 5 -o /dev/null {url}; echo $?"
    said = k8s.run(k8s.kubectl_path, "exec", "deploy/asks", "--", "sh", "-c", script)
    return int(said.split()[-1])


def test_a_pod_reaches_the_world_by_address_and_by_name(k8s: Cluster) -> None:
    eventually("an answer", lambda: k8s.kubectl(f"{CURL} http://{WEB}/") == "the world saw 198.51.100.1200")
    eventually("its name", lambda: "the world saw 198.51.100.1" in k8s.kubectl(f"{CURL} http://web.world.test/"))
    assert "NXDOMAIN" in k8s.kubectl("exec deploy/asks -- dig nosuch.world.test")
    assert "198.51.100.80" in k8s.kubectl("exec deploy/asks -- getent hosts web.world.test")
    assert "NOERROR" in k8s.kubectl("exec deploy/asks -- dig kubernetes.default.svc.cluster.local")


def test_a_name_of_the_world_costs_a_pod_one_round_trip(k8s: Cluster) -> None:
    """Its resolver asks with its namespace behind the name first, and is told what its last question would find."""

    def first(namespace: str) -> str:
        return k8s.kubectl(f"exec deploy/asks -- dig web.world.test.{namespace}.svc.cluster.local")

    eventually("its search path is walked", lambda: WEB in first("default"), 30)
    assert "NXDOMAIN" in first("kube-system")


def test_a_node_reaches_the_world(k8s: Cluster) -> None:
    assert "the world saw 198.51.100.1" in k8s.on("k8s-slave1", "curl", "-s", "-m", "5", f"http://{WEB}/")


def test_the_machines_own_loopback_and_link_local_addresses_stay_out_of_reach(k8s: Cluster) -> None:
    for address in ("192.0.2.2", "192.0.2.100", METADATA):
        assert exit_code(k8s, f"http://{address}/") in (REFUSED, TIMED_OUT), address


def test_addresses_of_the_cluster_never_leave_it(k8s: Cluster) -> None:
    assert exit_code(k8s, "http://10.244.77.77/") == REFUSED
    assert exit_code(k8s, "http://10.96.77.77/") == TIMED_OUT  # as kube-proxy drops what no Service has


def test_the_way_out_comes_back_when_it_was_killed(k8s: Cluster) -> None:
    for pid in k8s.find("slirp4netns"):
        with suppress(ProcessLookupError):  # the part in the sandbox ends with the other
            os.kill(pid, signal.SIGKILL)
    eventually("again", lambda: "the world" in k8s.kubectl(f"{CURL} http://{WEB}/", check=False))
    assert 0 < len(k8s.find("slirp4netns")) <= 2  # it runs a part of itself in a sandbox
    assert not k8s.find("wherry: egress$")  # which has become it


def test_the_machines_network_is_as_it_was(k8s: Cluster, around: World) -> None:
    links = subprocess.run(
        ["ip", "-n", around.machine, "-br", "link"], capture_output=True, text=True, check=True
    ).stdout
    assert [line.split("@")[0].split()[0] for line in links.splitlines()] == ["lo", "eth0"]
    words = ["ip", "netns", "exec", around.machine, "nft", "list", "ruleset"]
    assert subprocess.run(words, capture_output=True, text=True, check=True).stdout == ""


def test_a_machine_that_lost_its_network_says_so_to_pods_at_once(k8s: Cluster, around: World) -> None:
    ip("-n", around.machine, "link", "set", "eth0", "down")
    try:
        assert exit_code(k8s, f"http://{WEB}/") in (REFUSED, TIMED_OUT)
    finally:
        ip("-n", around.machine, "link", "set", "eth0", "up")
        ip("-n", around.machine, "route", "replace", "default", "via", WEB)
    eventually("again", lambda: "the world" in k8s.kubectl(f"{CURL} http://{WEB}/", check=False))
