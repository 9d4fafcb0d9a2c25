"""Programs by client-go and controller-runtime: an informer, leader election, server-side apply, a manager."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from harness import Cluster, eventually

from tests.clients.golang import built

pytestmark = pytest.mark.go


class Program:
    """A running subcommand of `programs`, and the lines it has printed."""

    def __init__(self, k8s: Cluster, *words: str):
        self.out = k8s.home / f"{'-'.join(words)}.out"
        with self.out.open("w") as out:
            command = [built("programs"), *words]
            self.process = subprocess.Popen(
                command, env=k8s.environment, stdin=subprocess.PIPE, stdout=out, stderr=subprocess.STDOUT
            )

    @property
    def lines(self) -> list[str]:
        return self.out.read_text().splitlines()

    def says(self, line: str, seconds: float = 60) -> None:
        eventually(f"{line!r}, after {self.lines}", lambda: line in self.lines, seconds)

    def end(self) -> int:
        """Close its stdin, which is how it is told to end."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        return self.process.wait(30)


@contextmanager
def program(k8s: Cluster, *words: str) -> Iterator[Program]:
    running = Program(k8s, *words)
    try:
        yield running
        assert running.end() == 0, running.lines
    finally:
        running.process.kill()
        running.process.wait()


def test_an_informer_hears_what_changes_also_over_a_restart_of_the_server(k8s: Cluster) -> None:
    k8s.kubectl("create configmap before --from-literal=a=0")
    with program(k8s, "informer") as informer:
        informer.says("synced")
        informer.says("added before 0")
        k8s.kubectl("create configmap heard --from-literal=a=1")
        informer.says("added heard 1")
        for pid in k8s.find("wherry: control-plane"):
            k8s.run("kill", "-9", str(pid))
        k8s.kubectl("get --raw /readyz")
        k8s.kubectl('patch configmap heard -p {"data":{"a":"2"}}')
        informer.says("updated heard 2")
        k8s.kubectl("delete configmap heard")
        informer.says("deleted heard 2")
        assert informer.lines.count("added heard 1") == 1


def test_one_of_two_leads_and_the_other_takes_over(k8s: Cluster) -> None:
    with program(k8s, "leader", "anna") as anna:
        anna.says("leading anna")
        with program(k8s, "leader", "berta") as berta:
            berta.says("leader anna")
            assert "leading berta" not in berta.lines
            assert anna.end() == 0
            berta.says("leading berta")
            assert k8s.kubectl("get lease captain -o jsonpath={.spec.holderIdentity}") == "berta"


def test_apply_by_client_go_owns_conflicts_and_forces(k8s: Cluster) -> None:
    with program(k8s, "apply") as applying:
        applying.process.wait(30)
    assert applying.lines == [
        "applied 1",
        "mine 1",
        'conflict Apply failed with 1 conflict: conflict with "first": .data.a',
        "forced 2",
    ]


def test_a_manager_reconciles_and_says_goodbye(k8s: Cluster) -> None:
    with program(k8s, "manager") as manager:
        manager.says("started")
        k8s.kubectl("create configmap mate --from-literal=a=1")
        k8s.kubectl("label configmap mate crew=yes")
        manager.says("created mate")
        k8s.kubectl('patch configmap mate -p {"data":{"a":"2"}}')
        manager.says("updated mate")
        assert k8s.kubectl("get secret mate -o jsonpath={.data.a}") == "Mg=="
        k8s.kubectl("delete configmap mate --timeout=30s")
        manager.says("goodbye mate")
        eventually("its Secret is collected", lambda: not k8s.kubectl("get secret mate --ignore-not-found"))
