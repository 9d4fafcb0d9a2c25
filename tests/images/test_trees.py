"""Folders made to be hard to remove are removed, and nothing else is."""

from __future__ import annotations

import os
import resource
from pathlib import Path

import pytest

from wherry.images import trees
from wherry.node import mounts
from wherry.node.volumes import persistent
from wherry.node.volumes.errors import VolumeError

DEEP = 3000


def deep(top: Path, levels: int = DEEP) -> None:
    """Make so many folders one in the other, deeper than any path can say."""
    folder = os.open(top, os.O_DIRECTORY)
    for _ in range(levels):
        os.mkdir("a", dir_fd=folder)
        os.close(os.open("file", os.O_CREAT | os.O_WRONLY, 0o600, dir_fd=folder))
        inner = os.open("a", os.O_DIRECTORY, dir_fd=folder)
        os.close(folder)
        folder = inner
    os.close(folder)


def filled(top: Path, outside: Path) -> None:
    for branch in ("b", "c/d/e", "c/d/f"):
        (top / branch).mkdir(parents=True)
        (top / branch / "file").write_text("x")
        (top / branch / "link").symlink_to(outside)
    (top / "link").symlink_to(outside)
    (top / "closed").mkdir(mode=0)


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "kept").write_text("kept")
    return folder


@pytest.mark.parametrize("below", ["", "x/y"])
def test_folders_too_deep_for_any_path_are_removed_with_few_descriptors(tmp_path: Path, outside: Path, below: str):
    top = tmp_path / "top"
    (top / below).mkdir(parents=True)
    deep(top / below)
    filled(top, outside)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (len(os.listdir("/proc/self/fd")) + 60, hard))
    try:
        trees.remove(top)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert not top.exists()
    assert (outside / "kept").read_text() == "kept"


def test_a_link_and_a_file_are_no_folder_to_remove(tmp_path: Path, outside: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(outside)
    for path in (link, outside / "kept"):
        with pytest.raises(OSError, match="Not a directory"):
            trees.remove(path)
        trees.discard(path)
    assert (outside / "kept").read_text() == "kept"


def test_what_is_gone_is_told_or_passed_over(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        trees.remove(tmp_path / "none")
    trees.discard(tmp_path / "none")


@pytest.mark.kernel
def test_what_cannot_be_removed_stays_and_all_else_goes(tmp_path: Path, outside: Path) -> None:
    top = tmp_path / "top"
    filled(top, outside)
    mounts.bind(outside, top / "c/d/e")
    try:
        with pytest.raises(OSError, match="busy"):
            trees.remove(top)
        assert (outside / "kept").read_text() == "kept"
        assert not (top / "b").exists()
    finally:
        mounts.unmount_below(top)
    trees.remove(top)


def test_a_group_is_given_what_is_in_a_volume_and_nothing_that_links_lead_to(tmp_path: Path, outside: Path) -> None:
    top = tmp_path / "top"
    filled(top, outside)
    (outside / "kept").chmod(0o600)
    persistent._give(top, 4321, always=True)
    for path in (top, top / "c/d", top / "c/d/e/file", top / "closed"):
        assert path.stat().st_gid == 4321
    assert (top / "c").stat().st_mode & 0o7777 == 0o2775
    assert (top / "b/file").stat().st_mode & 0o7777 == 0o664
    assert (top / "link").lstat().st_gid == 4321
    assert (outside.stat().st_gid, (outside / "kept").stat().st_mode & 0o7777) == (os.getegid(), 0o600)


def test_a_group_is_not_given_what_is_endlessly_deep(tmp_path: Path) -> None:
    deep(tmp_path)
    with pytest.raises(VolumeError, match="more than 100 deep"):
        persistent._give(tmp_path, 4321, always=True)
    trees.remove(tmp_path)
