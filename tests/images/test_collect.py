"""A filling disk: images that nobody uses go, the oldest first, and no more than is needed."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.images.maker import digest
from wherry.images.store.collect import Disk, candidates, collect
from wherry.images.store.names import Named
from wherry.images.store.store import Store

NOW = 10_000.0


def named(reference: str, manifest: str, *, local: bool = False) -> Named:
    return Named(reference=reference, digest=manifest, manifest=manifest, image=manifest, size=1, local=local)


@pytest.mark.parametrize(("free", "excess"), [(1000, 0), (151, 0), (150, 50), (0, 200)])
def test_a_disk_is_too_full_from_85_percent_on_and_then_until_80(free: int, excess: int) -> None:
    assert Disk(1000, free).excess == excess


def test_the_image_used_longest_ago_goes_first_under_all_its_names() -> None:
    a, b = named("a:1", "A"), named("b:1", "B")
    names = [(a, 50.0), (named("a@A", "A"), 300.0), (b, 200.0)]
    assert candidates(names, set(), NOW) == [["b:1"], ["a:1", "a@A"]]


def test_what_runs_is_young_or_was_put_here_by_hand_stays() -> None:
    names = [
        (named("runs:1", "R"), 1.0),
        (named("young:1", "Y"), NOW - 119),
        (named("loaded:1", "L", local=True), 1.0),
        (named("old:1", "O"), NOW - 120),
    ]
    assert candidates(names, {"R"}, NOW) == [["old:1"]]


async def test_no_more_goes_than_the_disk_needs(tmp_path: Path) -> None:
    """What runs is kept by the file beside its container."""
    users = tmp_path / "nodes"
    store = Store(tmp_path / "images", users)
    blobs = {}
    for age, name in enumerate(("runs", "oldest", "newer")):
        blobs[name] = store.put(name.encode())
        store.names.put(named(f"{name}:1", blobs[name]))
        (file,) = [f for f in store.names.folder.iterdir() if f.stat().st_mtime > NOW]
        os.utime(file, (age, age))
    (container := users / "node" / "containers" / "id").mkdir(parents=True)
    (container / "image").write_text(digest(b"runs"))

    def look() -> Disk:
        return Disk(1000, 100 if store.has(blobs["oldest"]) else 200)

    assert await collect(store, look, NOW) == ["oldest:1"]
    assert [store.has(blobs[name]) for name in ("runs", "oldest", "newer")] == [True, False, True]
    assert [one.reference for one in store.names.all()] == ["newer:1", "runs:1"]
    assert await collect(store, look, NOW) == []


async def test_a_disk_that_others_fill_takes_every_image_that_may_go(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = Store(tmp_path / "images", tmp_path / "nodes")
    blob = store.put(b"only")
    store.names.put(named("only:1", blob))
    assert await collect(store, lambda: Disk(1000, 0), NOW * 1e9) == ["only:1"]
    assert not store.has(blob)
    assert "missing_bytes=200" in caplog.text
