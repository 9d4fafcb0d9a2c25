"""Image references matched against maps."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from wherry.images.errors import PullError
from wherry.node.images.imagemap import PACKAGE, ImageMapError
from wherry.node.images.machineroot import MachineRoot
from wherry.node.images.source import Image, ImageFolder, Wish
from wherry.node.images.sources import Sources

TEXT = """
images:
  - {match: "demo/*", command: ["{python}", run.py], args: [--all], workingDir: app, env: {HOME_DIR: "{folder}"}}
  - {match: "demo/web", command: [never]}
  - {match: "db", command: [mysqld], user: mysql, mounts: [{source: data, target: /var/lib/mysql, readOnly: true}]}
"""


def write(folder: Path, text: str = TEXT) -> Path:
    path = folder / "images.yaml"
    path.write_text(text)
    return path


async def pull(folder: Path, reference: str) -> Image:
    return await Sources([write(folder)]).pull(Wish(reference, "IfNotPresent"))


async def test_the_first_match_wins(tmp_path: Path):
    image = await pull(tmp_path, "demo/web")
    assert image.command == (sys.executable, "run.py")
    assert image.args == ("--all",)


async def test_relative_paths_start_at_the_maps_folder(tmp_path: Path):
    image = await pull(tmp_path, "demo/web:1")
    assert image.working_dir == str(tmp_path / "app")
    assert image.env["HOME_DIR"] == str(tmp_path)
    [mount, *_] = (await pull(tmp_path, "db")).mounts
    assert (mount.source, mount.target, mount.read_only) == (tmp_path / "data", "/var/lib/mysql", True)


async def test_what_an_entry_speaks_of_is_there_and_nothing_else_of_the_machine(tmp_path: Path):
    image = await pull(tmp_path, "demo/web")
    assert [(f.source, f.target) for f in image.folders] == [(tmp_path, str(tmp_path))]
    assert all(mount.read_only for mount in image.mounts)
    assert {str(m.source) for m in image.mounts} == {p for p in (sys.prefix, sys.base_prefix) if p != "/usr"}
    image = await pull(tmp_path, "db")
    assert (image.folders, [mount.target for mount in image.mounts]) == ((), ["/var/lib/mysql"])
    ours = await Sources().pull(Wish("wherry/coredns:1", "Always"))
    assert PACKAGE / "wherry" in [mount.source for mount in ours.mounts]


async def test_every_image_starts_from_the_machines_root(tmp_path: Path):
    folder = ImageFolder(tmp_path, "/usr")
    image = await Sources([], MachineRoot((tmp_path,), (folder,))).pull(Wish("busybox", "Always"))
    assert (image.layers, image.folders) == ((tmp_path,), (folder,))


async def test_the_id_changes_with_the_entry(tmp_path: Path):
    before = (await pull(tmp_path, "db")).id
    changed = write(tmp_path, TEXT.replace("mysqld", "mariadbd"))
    assert (await Sources([changed]).pull(Wish("db", "Always"))).id != before


@pytest.mark.parametrize(
    ("reference", "verb"),
    [
        ("wherry/coredns:1", "dns"),
        ("wherry/kube-proxy:9.9", "proxy"),
        ("wherry/ingress-controller", "ingress"),
        ("registry.k8s.io/ingress-nginx/controller:v1.15.1@sha256:" + "0a" * 32, "ingress"),
        ("registry.k8s.io/ingress-nginx/controller-chroot:v1.12.0", "ingress"),
        ("k8s.gcr.io/ingress-nginx/controller:v1.0.0", "ingress"),
        ("us.gcr.io/k8s-artifacts-prod/ingress-nginx/controller:v0.34.1", "ingress"),
        ("quay.io/kubernetes-ingress-controller/nginx-ingress-controller:0.30.0", "ingress"),
        ("quay.io/kubernetes-ingress-controller/nginx-ingress-controller-amd64:0.26.1", "ingress"),
        ("gcr.io/google_containers/nginx-ingress-controller:0.9.0", "ingress"),
        ("rancher/nginx-ingress-controller:v1.9.6-hardened1", "ingress"),
    ],
)
async def test_our_own_components_are_there_whatever_their_tag(reference: str, verb: str):
    image = await Sources().pull(Wish(reference, "Always"))
    assert image.command == (sys.executable, "-m", "wherry", verb)
    assert image.env["PYTHONPATH"] == str(PACKAGE)
    assert (PACKAGE / "wherry" / "__main__.py").exists()


async def test_an_unknown_image_is_named_with_the_way_out():
    with pytest.raises(PullError, match=r'"nowhere:1.25" is in no image map.*--image-map') as caught:
        await Sources().pull(Wish("nowhere:1.25", "IfNotPresent"))
    assert caught.value.reason == "ErrImagePull"


async def test_with_policy_never_the_reason_is_the_policy():
    with pytest.raises(PullError) as caught:
        await Sources().pull(Wish("nowhere:1.25", "Never"))
    assert caught.value.reason == "ErrImageNeverPull"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("images: [{match: x, comand: [y]}]", "comand"),
        ("images: [{command: [y]}]", "match"),
        ("images: {", "not YAML"),
        ("", "it is empty; an image map begins with `images:`"),
        ("# nothing yet\n", "it is empty"),
        ("just a word", "Expected"),
        ("\x00\x01\x02ELF", "not YAML"),
    ],
)
def test_a_map_with_a_mistake_is_refused_with_its_file_and_place(tmp_path: Path, text: str, message: str):
    with pytest.raises(ImageMapError, match=f"images.yaml.*{message}"):
        Sources([write(tmp_path, text)])


def test_a_map_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ImageMapError, match=r"missing.yaml: No such file"):
        Sources([tmp_path / "missing.yaml"])


@pytest.mark.parametrize("reference", ["nginx", "nginx:1.25-alpine", "busybox:latest", "python:3.12"])
async def test_what_tutorials_run_needs_no_map(reference: str) -> None:
    assert (await Sources().pull(Wish(reference, "IfNotPresent"))).args
