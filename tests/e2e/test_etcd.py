"""A cluster whose objects are in an etcd, with several API servers on it."""

from __future__ import annotations

import os
import re
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import BIN, Cluster, cluster, eventually

from tests.apiserver.storage.etcd.member import Etcd, running

pytestmark = pytest.mark.e2e
BIND = "127.0.0.47"
KILLED = re.compile(r"connection reset by peer|EOF")
PLANES = ["control-plane", "control-plane-2"]


@pytest.fixture(scope="module")
def etcd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Etcd]:
    with running(tmp_path_factory.mktemp("member")) as etcd:
        yield etcd


@pytest.fixture(scope="module")
def k8s(etcd: Etcd, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    options = ("--store", f"etcd={etcd.url}", "--api-servers", "2")
    with cluster("etcd", BIND, tmp_path_factory.mktemp("etcd"), *options) as made:
        yield made


def pid(k8s: Cluster, component: str) -> int | None:
    """Return the pid of a component's process, None where there is none just now."""
    found = k8s.find(f"^wherry: {component}$")
    return found.pop() if len(found) == 1 else None


def holder(k8s: Cluster, lease: str) -> str:
    return k8s.kubectl(f"-n kube-system get lease {lease} -o jsonpath={{.spec.holderIdentity}}")


def names(k8s: Cluster, kind: str) -> set[str]:
    return set(k8s.kubectl(f"get {kind} -o jsonpath={{.items[*].metadata.name}}").split())


class Writer(threading.Thread):
    """Creates ConfigMaps, one after another, and keeps what was answered."""

    def __init__(self, k8s: Cluster):
        super().__init__()
        self._k8s = k8s
        self.ended = threading.Event()
        self.acknowledged: set[str] = set()
        self.refused: list[str] = []

    def run(self) -> None:
        for n in range(1000):
            if self.ended.is_set():
                return
            said = self._k8s.kubectl(f"create configmap of-{n} --from-literal=n={n}", check=False)
            if f"configmap/of-{n} created" in said:
                self.acknowledged.add(f"of-{n}")
            else:
                self.refused.append(said)


def test_nothing_acknowledged_is_lost_when_servers_and_etcd_are_killed(k8s: Cluster, etcd: Etcd) -> None:
    k8s.kubectl("create deployment web --image=nginx --replicas=1")
    writer = Writer(k8s)
    writer.start()
    try:
        for n, plane in enumerate((*PLANES, *PLANES), 2):
            killed = pid(k8s, plane)
            assert killed is not None
            os.kill(killed, signal.SIGKILL)
            eventually(f"{plane} is back", lambda: pid(k8s, plane) not in (None, killed))  # noqa: B023
            k8s.kubectl(f"scale deployment web --replicas={n}")
            k8s.kubectl("rollout status deployment web --timeout=60s")
        etcd.kill()
        etcd.start()
        eventually("it is written again", lambda: writer.refused or len(writer.acknowledged) > 5)
        k8s.kubectl("create configmap after-etcd --from-literal=n=1")
    finally:
        writer.ended.set()
        writer.join()
    assert writer.acknowledged <= names(k8s, "configmaps")
    assert len(writer.acknowledged) > 5
    assert all(KILLED.search(said) for said in writer.refused), writer.refused  # by whom the killed server was asked
    assert len(writer.refused) <= 2 * len(PLANES)


def test_one_has_the_controllers_and_when_it_ends_for_good_another_takes_over(k8s: Cluster) -> None:
    leader = holder(k8s, "kube-controller-manager")
    other = next(plane for plane in PLANES if plane != leader)
    led = pid(k8s, leader)
    assert led is not None
    os.kill(led, signal.SIGSTOP)  # as a machine that hangs
    try:
        eventually("another leads", lambda: holder_of_other(k8s, led) == other, 90)
    finally:
        os.kill(led, signal.SIGCONT)
    k8s.kubectl("create deployment later --image=nginx --replicas=1")
    k8s.kubectl("rollout status deployment later --timeout=60s")
    assert holder(k8s, "kube-controller-manager") == other


def holder_of_other(k8s: Cluster, stopped: int) -> str:
    """Ask until the server that is not stopped has taken the connection: the kernel gives it to either."""
    return k8s.kubectl(
        "-n kube-system get lease kube-controller-manager -o jsonpath={.spec.holderIdentity} --request-timeout=3s",
        check=False,
    )


def test_what_is_in_etcd_is_there_after_down_and_up_and_gone_after_a_purge(k8s: Cluster, etcd: Etcd) -> None:
    before = names(k8s, "configmaps")
    k8s.wherry("down", "--name", "etcd")
    assert "ok    store" in k8s.wherry("doctor", "--name", "etcd")
    other = k8s.wherry("up", "--name", "etcd", "--store", "sqlite", "--api-servers", "1", check=False)
    assert f"--store sqlite: cluster etcd was made with etcd={etcd.url}/wherry/etcd" in other
    k8s.wherry("up", "--name", "etcd", "--api-servers", "1")
    assert names(k8s, "configmaps") == before
    k8s.wherry("down", "--name", "etcd", "--purge")
    k8s.wherry("up", "--name", "etcd", "--bind", BIND, "--addons", "none", "--store", f"etcd={etcd.url}")
    eventually("what the controllers make", lambda: names(k8s, "configmaps") == {"kube-root-ca.crt"})


def test_an_etcd_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    k8s = Cluster("nowhere", "127.0.0.48", tmp_path, BIN / "kubectl")
    up = ("up", "--name", "nowhere", "--bind", k8s.bind)
    said = k8s.wherry(*up, "--store", "etcd=http://127.0.0.48:1", check=False, timeout=60)
    assert "--store etcd=http://127.0.0.48:1/wherry/nowhere: etcd at http://127.0.0.48:1: " in said
    assert "--api-servers 2: they need a store to share" in k8s.wherry(*up, "--api-servers", "2", check=False)
    assert "--store redis: choose sqlite, or etcd=URL" in k8s.wherry(*up, "--store", "redis", check=False)
    assert "Traceback" not in said
