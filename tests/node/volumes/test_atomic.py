"""Files that change all at once."""

from __future__ import annotations

import os
from pathlib import Path

from wherry.node.volumes.atomic import File, write


def files(**content: str) -> dict[str, File]:
    return {name.replace("__", "/"): File(text.encode(), 0o640) for name, text in content.items()}


def test_files_are_seen_through_the_data_link(tmp_path: Path):
    assert write(tmp_path, files(key="1", deep__inner="2"))
    assert (tmp_path / "key").read_text() == "1"
    assert (tmp_path / "deep" / "inner").read_text() == "2"
    assert os.readlink(tmp_path / "key") == "..data/key"
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o640


def test_a_change_is_one_rename(tmp_path: Path):
    write(tmp_path, files(a="1", b="1"))
    before = os.readlink(tmp_path / "..data")
    assert write(tmp_path, files(a="2", b="2"))
    assert os.readlink(tmp_path / "..data") != before
    assert not (tmp_path / before).exists()
    assert (tmp_path / "b").read_text() == "2"


def test_nothing_happens_when_nothing_changed(tmp_path: Path):
    write(tmp_path, files(a="1"))
    before = os.readlink(tmp_path / "..data")
    assert not write(tmp_path, files(a="1"))
    assert os.readlink(tmp_path / "..data") == before


def test_what_is_gone_disappears(tmp_path: Path):
    write(tmp_path, files(a="1", b="1"))
    write(tmp_path, files(a="1"))
    assert not (tmp_path / "b").is_symlink()


def test_an_empty_volume_is_a_folder(tmp_path: Path):
    assert write(tmp_path / "v", {})
    assert list((tmp_path / "v").glob("[!.]*")) == []
