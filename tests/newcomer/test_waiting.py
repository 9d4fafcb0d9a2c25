"""`wherry up` never waits in silence for what cannot come."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import KUBECTL, Cluster

pytestmark = pytest.mark.e2e

NAME, BIND = "broken", "127.0.0.73"
RUNTIME = """#!/bin/sh
case "$*" in *--version*) echo runc version 1.1.5; exit ;; esac
echo "no containers today" >&2
exit 1
"""
IMPATIENT = "from wherry.cluster import waiting; waiting.READY_SECONDS = 16; from wherry.cli.main import main; main()"


@pytest.fixture
def k8s(tmp_path: Path) -> Iterator[Cluster]:
    made = Cluster(NAME, BIND, tmp_path, KUBECTL["1.37"])
    try:
        yield made
    finally:
        made.wherry("down", "--name", NAME, "--purge", check=False)


def up(k8s: Cluster, runtime: str) -> str:
    """Return what `wherry up` says where both OCI runtimes are this script."""
    for name in ("runc", "crun"):
        (k8s.home / name).write_text(runtime)
        (k8s.home / name).chmod(0o755)
    environment = {**k8s.environment, "PATH": f"{k8s.home}:{k8s.environment['PATH']}"}
    command = [sys.executable, "-c", IMPATIENT, "up", "--name", NAME, "--bind", BIND, "--addons", "none"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    return done.stderr


def test_a_runtime_that_makes_no_container_is_named_after_a_few_seconds_and_at_the_end(k8s: Cluster) -> None:
    meanwhile, _, finally_ = up(k8s, RUNTIME).partition("wherry: cluster broken is not ready after 16 s")
    assert "kube-proxy: pod kube-proxy-" in meanwhile
    for said in (meanwhile, finally_):
        assert "no containers today" in said


def test_a_runtime_that_does_not_run_at_all_ends_it_at_once(k8s: Cluster) -> None:
    said = up(k8s, "#!/bin/sh\necho no library >&2\nexit 127\n")
    assert "cluster broken cannot start, node-k8s-master: " in said
    assert "does not run (no library): install it again" in said
    assert "not ready after" not in said
