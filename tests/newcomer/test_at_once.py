"""Clusters come up side by side, and an `up` that is interrupted leaves nothing that `down` does not take."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path

import pytest
from harness import BIN, KUBECTL, Cluster, eventually

pytestmark = pytest.mark.e2e

BINDS = ("127.0.0.78", "127.0.0.79", "127.0.0.80")


def make(folder: Path, name: str, bind: str) -> Cluster:
    return Cluster(name, bind, folder, KUBECTL["1.37"])


def start(made: Cluster) -> subprocess.Popen[str]:
    command = [BIN / "wherry", "up", "--name", made.name, "--bind", made.bind, "--addons", "none"]
    return subprocess.Popen(
        command, env=made.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=made.home
    )


def test_three_clusters_come_up_at_once_in_one_kubeconfig(tmp_path: Path) -> None:
    clusters = [make(tmp_path, f"at-once-{bind[-2:]}", bind) for bind in BINDS]
    try:
        for process in [start(made) for made in clusters]:
            said, _ = process.communicate(timeout=120)
            assert process.returncode == 0, said
        for made in clusters:
            assert "k8s-master" in made.kubectl(f"--context wherry-{made.name} get nodes")
    finally:
        for made in clusters:
            made.wherry("down", "--name", made.name, "--purge", check=False)
    assert clusters[0].kubectl("config get-contexts -o name") == ""


def test_clusters_of_one_name_in_two_homes_leave_each_other_alone(tmp_path: Path) -> None:
    """As of two users, or of one whose XDG_DATA_HOME has changed."""
    clusters = [make(tmp_path / bind, "namesake", bind) for bind in BINDS[:2]]
    try:
        for made in clusters:
            made.home.mkdir()
            said, _ = start(made).communicate(timeout=120)
            assert "is up after" in said
        first, second = clusters
        assert "is down and forgotten" in first.wherry("down", "--name", first.name, "--purge")
        second.kubectl("run lives --image=busybox --command -- sleep 1000")
        second.kubectl("wait --for=condition=Ready pod/lives --timeout=60s")
    finally:
        for made in clusters:
            made.wherry("down", "--name", made.name, "--purge", check=False)


@pytest.mark.parametrize("seconds", [0, 0.3, 0.6, 1])
def test_an_interrupted_up_says_so_and_down_takes_what_it_left(tmp_path: Path, seconds: float) -> None:
    """So many seconds after it began to make something; a quick machine is through by the last."""
    made = make(tmp_path, "interrupted", "127.0.0.78")
    process = start(made)
    eventually("the data folder", (tmp_path / "wherry" / made.name).exists)
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=60)
    made.wherry("down", "--name", made.name, "--purge")
    assert "Traceback" not in said
    assert process.returncode in (0, 1), said
    running = subprocess.run(["ps", "-eo", "args="], capture_output=True, text=True, check=True).stdout
    assert f"wherry: init of {made.name}" not in running
    assert not (tmp_path / "wherry" / made.name).exists()
