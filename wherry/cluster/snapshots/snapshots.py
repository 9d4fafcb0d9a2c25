"""Snapshots saved, listed, restored, removed. Everything blocks."""

from __future__ import annotations

import contextlib
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from wherry import __version__
from wherry.cluster import datadir, files, sandbox
from wherry.cluster.config import SQLITE, ClusterConfig
from wherry.cluster.errors import ClusterError
from wherry.cluster.paths import Paths
from wherry.cluster.snapshots import stillness, swap
from wherry.images import trees
from wherry.node import cgroups

FORMAT = 1
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")

Progress = Callable[[str], None]


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a snapshot. created: seconds since the epoch. wherry: the version that made it."""

    name: str
    created: float
    format: int = FORMAT
    wherry: str = __version__


def listing(paths: Paths) -> list[Snapshot]:
    """Return a cluster's snapshots, the oldest first; raises ClusterError for one that cannot be read."""
    places = paths.snapshots.glob("[!.]*/snapshot.json") if paths.snapshots.is_dir() else ()
    return sorted((_read(place) for place in places), key=lambda one: one.created)


def size(paths: Paths, name: str) -> int:
    """Return what a snapshot takes of the disk, in bytes; what it shares with others (reflinks) counts."""
    return sum(entry.lstat().st_blocks * 512 for entry in (paths.snapshots / name).rglob("*"))


def save(name: str, paths: Paths, now: float, progress: Progress) -> Snapshot:
    """Make a snapshot of a cluster, running or not; raises ClusterError."""
    if not NAME.fullmatch(name):
        raise ClusterError(f"{name!r} is no name for a snapshot: letters, digits and -._, at most 63")
    place, fresh = paths.snapshots / name, paths.snapshots / f".{name}.new"
    with datadir.lock(paths, progress):
        if place.exists():
            raise ClusterError(f"there is a snapshot {name} already; `wherry snapshot rm {name}` removes it")
        _check(paths)
        swap.finish(paths)
        paths.snapshots.mkdir(mode=0o700, exist_ok=True)
        trees.discard(fresh)
        made = Snapshot(name=name, created=now)
        try:
            (fresh / "data").mkdir(parents=True)
            init = sandbox.running(paths)
            with stillness.still(init) if init is not None else contextlib.nullcontext():
                _copy([entry for entry in paths.data.iterdir() if swap.belongs(entry.name)], fresh / "data")
            files.replace(fresh / "snapshot.json", msgspec.json.encode(made))
            fresh.rename(place)
        except OSError as error:
            raise ClusterError(files.told(error)) from error
        finally:
            trees.discard(fresh)
    return made


def restore(name: str, paths: Paths, progress: Progress) -> bool:
    """Let a cluster be what it was, stopped; returns whether it ran. Raises ClusterError."""
    known = find(paths, name)
    if known.format != FORMAT:
        raise ClusterError(
            f"snapshot {name} is of format {known.format}, made by wherry {known.wherry}; this one, {__version__}, "
            f"knows format {FORMAT}"
        )
    fresh = paths.snapshots / ".copied"
    with datadir.lock(paths, progress):
        _check(paths)
        swap.finish(paths)
        trees.discard(fresh)
        try:
            (fresh / "data").mkdir(parents=True)
            _copy(list((paths.snapshots / name / "data").iterdir()), fresh / "data")
            init = sandbox.running(paths)
            if init is not None:
                progress("stopping")
                sandbox.stop(init, grace_seconds=0.0)  # what it would tidy up is about to go
            paths.init.unlink(missing_ok=True)
            cgroups.remove_tree(paths.cgroup)
            swap.begin(paths, fresh)
        except OSError as error:
            raise ClusterError(files.told(error)) from error
        finally:
            trees.discard(fresh)
    return init is not None


def remove(name: str, paths: Paths, progress: Progress) -> None:
    """Forget a snapshot; raises ClusterError."""
    place = paths.snapshots / find(paths, name).name
    with datadir.lock(paths, progress):
        doomed = place.with_name(f".{name}.gone")
        place.rename(doomed)
        trees.remove(doomed)


def find(paths: Paths, name: str) -> Snapshot:
    """Return what is known of a snapshot; raises ClusterError, naming those there are."""
    known = {one.name: one for one in listing(paths)}
    if name not in known:
        there = f"there is: {', '.join(known)}" if known else "there is none; `wherry snapshot save` makes one"
        raise ClusterError(f"there is no snapshot {name}; {there}")
    return known[name]


def _check(paths: Paths) -> None:
    config = ClusterConfig.load(paths.config)
    if config.store != SQLITE:
        raise ClusterError(f"the objects of cluster {config.name} are in {config.store}: have etcd make the snapshots")


def _read(place: Path) -> Snapshot:
    try:
        return msgspec.json.decode(place.read_bytes(), type=Snapshot)
    except (OSError, msgspec.DecodeError) as error:
        raise ClusterError(f"{place} is damaged ({error}): remove its folder") from error


def _copy(entries: Sequence[Path], target: Path) -> None:
    """Copy files with all that belongs to them, an overlay's marks too; where the file system can, without writing."""
    done = subprocess.run(
        ["cp", "--archive", "--reflink=auto", f"--target-directory={target}", "--", *map(str, entries)],
        stderr=subprocess.PIPE,
    )
    if done.returncode:
        said = done.stderr.decode(errors="replace").splitlines()
        raise ClusterError(f"the files cannot be copied: {said[-1] if said else done.returncode}")
