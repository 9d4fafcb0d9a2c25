"""A cluster whose store is damaged, or whose disk is full: it says so at once, and loses nothing that can be read."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import BIN, Cluster, cluster

pytestmark = pytest.mark.e2e
BIND = "127.0.0.33"


@pytest.fixture
def k8s(tmp_path: Path) -> Iterator[Cluster]:
    with cluster("store", BIND, tmp_path, "--addons", "none") as made:
        for n in range(30):
            made.kubectl(f"create configmap of-{n} --from-literal=value=the-value-of-{n}")
        made.wherry("down", "--name", "store")
        yield made


def store(k8s: Cluster) -> Path:
    return k8s.home / "wherry" / "store" / "state.db"


def values(k8s: Cluster) -> set[str]:
    return set(k8s.kubectl("get configmaps -o jsonpath={.items[*].data.value}").split())


ALL = {f"the-value-of-{n}" for n in range(30)}


def test_a_flipped_byte_costs_one_object_which_is_kept_and_named(k8s: Cluster) -> None:
    content = store(k8s).read_bytes()
    assert b"the-value-of-17" in content  # more than once where SQLite has moved it since
    store(k8s).write_bytes(content.replace(b"the-value-of-17", b"the-v#lue-of-17"))
    assert "1 of " in k8s.wherry("doctor", "--name", "store", check=False)
    k8s.wherry("up", "--name", "store")
    assert values(k8s) == ALL - {"the-value-of-17"}
    file = store(k8s).parent / "damaged" / "core" / "configmaps" / "default" / "of-17"
    assert b"the-v#lue-of-17" in file.read_bytes()
    assert "1 damaged object(s) set aside" in k8s.wherry("status", "--name", "store")
    assert str(file) in k8s.wherry("doctor", "--name", "store", check=False)
    assert f"kept in {file}" in k8s.kubectl("get configmap of-17", check=False)
    k8s.kubectl("create configmap of-17 --from-literal=value=the-value-of-17")
    assert values(k8s) == ALL
    assert "set aside" not in k8s.wherry("status", "--name", "store")
    assert "bad " not in k8s.wherry("doctor", "--name", "store")


def test_a_damaged_store_is_named_at_once_and_salvaged(k8s: Cluster) -> None:
    whole = store(k8s).read_bytes()
    store(k8s).write_bytes(b"\0" * 8192 + whole[8192:])
    refused = k8s.wherry("up", "--name", "store", check=False)
    assert f"{store(k8s)} is damaged (file is not a database); `wherry doctor --name store`" in refused
    assert "Traceback" not in refused
    assert "stopped" in k8s.wherry("status", "--name", "store", check=False)
    salvaged = k8s.wherry("doctor", "--name", "store", "--salvage")
    assert "kept " in salvaged
    k8s.wherry("up", "--name", "store")
    assert values(k8s) == ALL
    assert any(path.read_bytes()[8192:] == whole[8192:] for path in store(k8s).parent.glob("salvaged-*/state.db"))


FULL = """
mount -t tmpfs -o size=$1 disk "$2"
shift 2
"$0" up "$@" --data-dir "$DATA" || true
"$0" status
"$0" down --purge --name full
"""


# The files of a cluster fit into 16k no more than its first objects do into 180k; from 240k on those do.
@pytest.mark.parametrize(("size", "message"), [("16k", ": no space left on device"), ("180k", "state.db is full")])
def test_a_full_disk_at_the_start_is_one_line_and_leaves_nothing_behind(
    tmp_path: Path, size: str, message: str
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    k8s = Cluster("full", "127.0.0.34", tmp_path, BIN / "kubectl")
    command = ["unshare", "--mount", "sh", "-c", FULL, BIN / "wherry", size, data, "--name", "full", "--bind", k8s.bind]
    done = subprocess.run(
        [*command, "--addons", "none"],
        env={**k8s.environment, "DATA": str(data)},
        capture_output=True,
        text=True,
        timeout=180,
        check=True,
    )
    (told,) = [line for line in done.stderr.splitlines() if line.startswith("wherry:")]
    assert message in told
    assert "Traceback" not in done.stderr
    listening = subprocess.run(["ss", "-Hltn", f"src {k8s.bind}"], capture_output=True, text=True, check=True).stdout
    assert listening == ""
