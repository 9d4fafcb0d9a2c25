"""hostPaths and subPaths on real file systems."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.node.build import container, pod
from wherry.node.filesystem import NodeFileSystem
from wherry.node.volumes import hostpath, places
from wherry.node.volumes.errors import VolumeError

pytestmark = pytest.mark.kernel


@pytest.fixture
def files(tmp_path: Path) -> NodeFileSystem:
    made = NodeFileSystem(tmp_path / "state", tmp_path / "run")
    made.root.mkdir(parents=True)
    return made


@pytest.mark.parametrize("kind", ["", "DirectoryOrCreate"])
def test_a_missing_folder_is_made_on_the_nodes_own_file_system(files: NodeFileSystem, tmp_path: Path, kind: str):
    found = hostpath.set_up({"path": "/opt/mysql/data", "type": kind}, files, tmp_path / "here")
    assert found == tmp_path / "here"
    (found / "file").touch()
    assert (files.root / "opt/mysql/data/file").exists()


def test_a_missing_file_is_made(files: NodeFileSystem, tmp_path: Path):
    assert hostpath.set_up({"path": "/lock", "type": "FileOrCreate"}, files, tmp_path / "here").is_file()
    assert (files.root / "lock").is_file()


@pytest.mark.parametrize(
    ("kind", "what"),
    [("Directory", "directory"), ("File", "file"), ("Socket", "socket file"), ("BlockDevice", "block device")],
)
def test_what_must_be_there_and_is_not_is_refused(files: NodeFileSystem, tmp_path: Path, kind: str, what: str):
    with pytest.raises(VolumeError, match=f"hostPath type check failed: /none is not a {what}"):
        hostpath.set_up({"path": "/none", "type": kind}, files, tmp_path / "here")


def test_a_path_or_a_link_cannot_leave_the_nodes_file_system(files: NodeFileSystem, tmp_path: Path):
    (files.root / "b").mkdir()
    (files.root / "link").symlink_to("/../../b")
    for number, path in enumerate(["/a/../../b", "//b", "/link"]):
        (hostpath.set_up({"path": path}, files, tmp_path / f"place{number}") / str(number)).touch()
    assert sorted(p.name for p in (files.root / "b").iterdir()) == ["0", "1", "2"]


def test_a_sub_path_is_made_inside_its_volume(tmp_path: Path):
    one = container(volumeMounts=[{"name": "v", "mountPath": "/data", "subPathExpr": "$(NAME)/logs"}])
    (tmp_path / "v").mkdir(mode=0o770)
    volumes, private = {"v": tmp_path / "v"}, tmp_path / "private"
    [mount] = places.of_container(
        pod(one, volumes=[{"name": "v", "emptyDir": {}}]), one, volumes, {"NAME": "x"}, private
    )
    (mount.source / "file").touch()
    assert mount.source.is_relative_to(private)
    assert (tmp_path / "v" / "x" / "logs" / "file").exists()


def test_a_sub_path_that_leads_out_of_its_volume_is_refused(tmp_path: Path):
    (tmp_path / "out").symlink_to("/etc")
    one = container(volumeMounts=[{"name": "v", "mountPath": "/data", "subPath": "out/cron.d"}])
    with pytest.raises(VolumeError, match=r"subPath.*a link leads out"):
        places.of_container(
            pod(one, volumes=[{"name": "v", "emptyDir": {}}]), one, {"v": tmp_path}, {}, tmp_path / "private"
        )


def test_volumes_of_api_objects_are_read_only(tmp_path: Path):
    one = container(volumeMounts=[{"name": "v", "mountPath": "/data"}])
    spec = pod(one, volumes=[{"name": "v", "secret": {}}])
    [mount] = places.of_container(spec, one, {"v": tmp_path}, {}, tmp_path / "private")
    assert mount.read_only
