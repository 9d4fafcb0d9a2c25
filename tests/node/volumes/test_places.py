"""Volumes that are places: hostPath, subPath."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.node.build import container, pod
from wherry.node.filesystem import NodeFileSystem
from wherry.node.volumes import hostpath, kinds
from wherry.node.volumes.errors import VolumeError


@pytest.fixture
def files(tmp_path: Path) -> NodeFileSystem:
    made = NodeFileSystem(tmp_path / "state", tmp_path / "run")
    made.root.mkdir(parents=True)
    return made


@pytest.mark.parametrize("kind", ["", "DirectoryOrCreate"])
def test_a_missing_folder_is_made_on_the_nodes_own_file_system(files: NodeFileSystem, kind: str):
    found = hostpath.set_up({"path": "/opt/mysql/data", "type": kind}, files)
    assert found == files.root / "opt/mysql/data"
    assert found.is_dir()


def test_a_missing_file_is_made(files: NodeFileSystem):
    assert hostpath.set_up({"path": "/lock", "type": "FileOrCreate"}, files).is_file()


@pytest.mark.parametrize(
    ("kind", "what"),
    [("Directory", "directory"), ("File", "file"), ("Socket", "socket file"), ("BlockDevice", "block device")],
)
def test_what_must_be_there_and_is_not_is_refused(files: NodeFileSystem, kind: str, what: str):
    with pytest.raises(VolumeError, match=f"hostPath type check failed: /none is not a {what}"):
        hostpath.set_up({"path": "/none", "type": kind}, files)


def test_a_path_cannot_leave_the_nodes_file_system(files: NodeFileSystem):
    assert files.locate("/a/../../b") == files.root / "b"
    assert files.locate("//opt") == files.root / "opt"


def test_a_sub_path_is_made_inside_its_volume(tmp_path: Path):
    one = container(volumeMounts=[{"name": "v", "mountPath": "/data", "subPathExpr": "$(NAME)/logs"}])
    [mount] = kinds.mounts(pod(one, volumes=[{"name": "v", "emptyDir": {}}]), one, {"v": tmp_path}, {"NAME": "x"})
    assert mount.source == tmp_path / "x" / "logs"
    assert mount.source.is_dir()


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("/tmp", "error SubPath `/tmp` must not be an absolute path"),
        ("a/../../etc", "unable to provision SubPath `a/../../etc`: must not contain '..'"),
        (None, 'missing value for "NAME"'),
    ],
)
def test_what_a_sub_path_expression_amounts_to_is_held_to_a_sub_paths_rules(value: str | None, problem: str):
    env = {} if value is None else {"NAME": value}
    with pytest.raises(VolumeError, match=f"^{re.escape(problem)}$"):
        kinds.sub_path({"name": "v", "mountPath": "/data", "subPathExpr": "$(NAME)"}, env)


def test_a_doubled_dollar_in_a_sub_path_expression_refers_to_nothing():
    assert kinds.sub_path({"subPathExpr": "$$(NAME)"}, {}) == "$(NAME)"


def test_a_sub_path_that_leads_out_of_its_volume_is_refused(tmp_path: Path):
    (tmp_path / "out").symlink_to("/etc")
    one = container(volumeMounts=[{"name": "v", "mountPath": "/data", "subPath": "out/cron.d"}])
    with pytest.raises(VolumeError, match="subPath"):
        kinds.mounts(pod(one, volumes=[{"name": "v", "emptyDir": {}}]), one, {"v": tmp_path}, {})


def test_volumes_of_api_objects_are_read_only(tmp_path: Path):
    one = container(volumeMounts=[{"name": "v", "mountPath": "/data"}])
    [mount] = kinds.mounts(pod(one, volumes=[{"name": "v", "secret": {}}]), one, {"v": tmp_path}, {})
    assert mount.read_only
