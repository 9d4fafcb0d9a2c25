"""Profiles of type Localhost come from one folder of the node, and from nowhere else."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from wherry.node.filesystem import NodeFileSystem
from wherry.node.runtime.seccompfiles import FOLDER, LARGEST, ProfileError, load

PROFILE = {"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [{"names": ["mkdir"], "action": "SCMP_ACT_ERRNO"}]}


@pytest.fixture
def files(tmp_path: Path) -> NodeFileSystem:
    return NodeFileSystem(tmp_path / "state", tmp_path / "run")


@pytest.fixture
def folder(files: NodeFileSystem) -> Path:
    made = files.root / FOLDER.lstrip("/")
    made.mkdir(parents=True)
    (made / "audit.json").write_text(json.dumps(PROFILE))
    return made


@pytest.mark.usefixtures("folder")
def test_a_file_is_the_filter(files: NodeFileSystem):
    assert load(files, "audit.json") == PROFILE


def test_a_link_is_followed_in_the_folder_only(files: NodeFileSystem, folder: Path):
    (folder / "same.json").symlink_to("audit.json")
    (folder / "out.json").symlink_to("/etc/passwd")
    (folder / "up.json").symlink_to("../../../../etc/passwd")
    assert load(files, "same.json") == PROFILE
    for name in ("out.json", "up.json", "../seccomp/audit.json", f"{FOLDER}/audit.json"):
        with pytest.raises(ProfileError, match="a link leads out of the folder"):
            load(files, name)


def test_what_is_no_profile_is_told_with_its_path(files: NodeFileSystem, folder: Path):
    (folder / "text.json").write_text("no json")
    (folder / "list.json").write_text("[]")
    (folder / "empty.json").write_text("{}")
    (folder / "large.json").write_bytes(b" " * (LARGEST + 1))
    os.mkfifo(folder / "pipe.json")
    for name, why in (
        ("missing.json", "No such file or directory"),
        ("text.json", "malformed"),
        ("list.json", "Expected `object`"),
        ("empty.json", "it has no defaultAction"),
        ("large.json", "more than"),
        ("pipe.json", "it is no file"),
        (".", "Is a directory|it is no file"),
    ):
        with pytest.raises(ProfileError, match=rf'cannot load seccomp profile "{FOLDER}/{name}": .*({why})'):
            load(files, name)


def test_a_node_without_the_folder_says_so(files: NodeFileSystem):
    files.root.mkdir(parents=True)
    with pytest.raises(ProfileError, match="No such file"):
        load(files, "audit.json")
