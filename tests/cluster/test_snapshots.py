"""Snapshots of a data directory, and a restore that is cut short anywhere; standing still, with real processes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from wherry.cluster.config import ClusterConfig, plan_nodes
from wherry.cluster.errors import ClusterError
from wherry.cluster.paths import Paths
from wherry.cluster.snapshots import snapshots, stillness, swap


def quiet(_: str) -> None:
    return


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """A cluster that is stopped, as far as snapshots look at one."""
    data = tmp_path / "web"
    data.mkdir()
    made = Paths(data)
    ClusterConfig("web", plan_nodes("1", "192.168.51.0/24", "10.244.0.0/16")).save(made.config)
    write(data, {"state.db": "old", "state.db-wal": "old", "state.db-shm": "old", "nodes/n/file": "old"})
    write(data, {"logs/init.log": "old", "images/names/x": "old", "merged.json": "old", "pki/ca.crt": "old"})
    return made


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def content(paths: Paths) -> dict[str, str]:
    """Return every file but the snapshots' and the configuration."""
    found = (p for p in paths.data.rglob("*") if p.is_file() and p.name not in ("cluster.json", ".lock"))
    return {str(p.relative_to(paths.data)): p.read_text() for p in found if not p.is_relative_to(paths.snapshots)}


def change(paths: Paths) -> None:
    (paths.data / "nodes/n/file").unlink()
    write(paths.data, dict.fromkeys(("state.db", "nodes/other/file", "encryption.yaml", "merged.json"), "new"))
    write(paths.data, dict.fromkeys(("logs/init.log", "images/names/y", "salvaged-1/state.db"), "new"))


RESTORED = {
    **dict.fromkeys(("state.db", "state.db-wal", "nodes/n/file", "pki/ca.crt", "images/names/x"), "old"),
    **dict.fromkeys(("merged.json", "logs/init.log", "images/names/y", "salvaged-1/state.db"), "new"),
}


def test_a_restored_cluster_is_what_it_was_and_keeps_images_and_logs(paths: Paths) -> None:
    snapshots.save("one", paths, 5.0, quiet)
    change(paths)
    assert snapshots.restore("one", paths, quiet) is False
    assert content(paths) == RESTORED
    assert [(one.name, one.created) for one in snapshots.listing(paths)] == [("one", 5.0)]
    assert snapshots.size(paths, "one") > 0
    snapshots.remove("one", paths, quiet)
    assert list(paths.snapshots.iterdir()) == []


class CutShort(BaseException):
    """The machine stops here."""


@pytest.mark.parametrize("step", range(24))
def test_a_restore_that_is_cut_short_is_the_old_state_or_ends_with_the_next_start(
    paths: Paths, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    snapshots.save("one", paths, 5.0, quiet)
    change(paths)
    before, left = content(paths), step

    def counted(name: str) -> None:
        nonlocal left
        act = getattr(Path, name)

        def acting(path: Path, *rest: object, **more: object) -> object:
            nonlocal left
            left -= 1
            if left < 0:
                raise CutShort
            return act(path, *rest, **more)

        monkeypatch.setattr(Path, name, acting)

    for name in ("replace", "unlink", "rename"):
        counted(name)
    with contextlib.suppress(CutShort):
        snapshots.restore("one", paths, quiet)
    monkeypatch.undo()
    begun = (paths.snapshots / ".restored" / "names").exists()
    ClusterConfig.load(paths.config)
    swap.finish(paths)
    swap.finish(paths)
    assert content(paths) in ([RESTORED] if begun or left >= 0 else [before, RESTORED])
    assert not (paths.snapshots / ".restored").exists()


def test_what_cannot_be_is_refused_by_name(paths: Paths) -> None:
    with pytest.raises(ClusterError, match="there is no snapshot one; there is none"):
        snapshots.restore("one", paths, quiet)
    for name in ("", "../x", ".hidden", "a/b", "x" * 64):
        with pytest.raises(ClusterError, match="is no name for a snapshot"):
            snapshots.save(name, paths, 5.0, quiet)
    snapshots.save("one", paths, 5.0, quiet)
    with pytest.raises(ClusterError, match="there is a snapshot one already"):
        snapshots.save("one", paths, 5.0, quiet)
    with pytest.raises(ClusterError, match="there is no snapshot two; there is: one"):
        snapshots.remove("two", paths, quiet)


def test_a_snapshot_of_a_later_format_is_refused_by_name(paths: Paths) -> None:
    snapshots.save("one", paths, 5.0, quiet)
    file = paths.snapshots / "one" / "snapshot.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"format": 7, "wherry": "9.0"}))
    with pytest.raises(ClusterError, match=r"of format 7, made by wherry 9\.0"):
        snapshots.restore("one", paths, quiet)
    file.write_text("{")
    with pytest.raises(ClusterError, match="is damaged"):
        snapshots.listing(paths)


def test_objects_in_an_etcd_are_etcds_business(paths: Paths) -> None:
    config = ClusterConfig(
        "web", plan_nodes("1", "192.168.51.0/24", "10.244.0.0/16"), store="etcd=http://127.0.0.1:1/x"
    )
    config.save(paths.config)
    with pytest.raises(ClusterError, match="have etcd make the snapshots"):
        snapshots.save("one", paths, 5.0, quiet)


COUNTING = """
import os, sys, time
child = os.fork()
n = 0
while True:
    n += 1
    open(sys.argv[1] + ("-child" if not child else ""), "w").write(str(n))
    time.sleep(0.001)
"""


MAKING = """
import sys, time
from wherry.cluster.snapshots.stillness import still
with still(int(sys.argv[1])):
    print("still", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def family(tmp_path: Path) -> Iterator[tuple[int, list[Path]]]:
    """A process and its child, which count in files."""
    place = tmp_path / "count"
    process = subprocess.Popen([sys.executable, "-c", COUNTING, str(place)], start_new_session=True)
    counts = [place, tmp_path / "count-child"]
    while not all(count.exists() for count in counts):
        time.sleep(0.01)
    yield process.pid, counts
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def counted(counts: list[Path]) -> list[str]:
    return [count.read_text() for count in counts]


def moved(counts: list[Path], before: list[str]) -> bool:
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if all(now != then for now, then in zip(counted(counts), before, strict=True)):
            return True
        time.sleep(0.01)
    return False


def test_everybody_stands_still_for_as_long_as_it_takes(family: tuple[int, list[Path]]) -> None:
    pid, counts = family
    with stillness.still(pid):
        before = counted(counts)
        time.sleep(0.1)
        assert counted(counts) == before
    assert moved(counts, before)


def test_who_makes_a_snapshot_and_is_killed_leaves_nobody_standing(family: tuple[int, list[Path]]) -> None:
    pid, counts = family
    maker = subprocess.Popen([sys.executable, "-c", MAKING, str(pid)], stdout=subprocess.PIPE)
    assert maker.stdout is not None
    maker.stdout.readline()
    before = counted(counts)
    maker.kill()
    maker.wait()
    maker.stdout.close()
    assert moved(counts, before)
