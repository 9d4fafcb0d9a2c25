"""What Docker or Podman have on this machine is there for pods, and what is built anew there is what runs next."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.images.maker import docker_save, entry, folder, layer
from wherry.images.errors import PullError
from wherry.images.machinestores import Containers, Docker, Place
from wherry.images.registries import Registries
from wherry.images.registry.network import Vantage
from wherry.images.store.store import Store
from wherry.node.images.pulls import Pulls
from wherry.node.images.source import Image, PullPolicy, Wish
from wherry.node.images.sources import Sources

NAME = "nowhere.invalid/web:v1"
DOCKER = """#!/bin/sh
# docker, as far as it is asked: the images of a folder
case "$1 $2" in
"image inspect") [ -e "{folder}/id" ] && [ "$4" = "$(cat {folder}/name)" ] && cat "{folder}/id" ;;
"image save") cp "{folder}/image.tar" "${{3#--output=}}" ;;
esac
"""

Put = Callable[[str], None]


def saved(path: Path, text: str) -> Path:
    page = layer(folder("www"), entry("www/index.html", text))
    return docker_save(path, [page], [NAME], {"Cmd": ["serve"]})


@pytest.fixture(params=["docker", "vfs", "overlay"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Place, Put]:
    """A place for images, and what puts one there under the name; a stand-in for Docker, real containers/storage."""
    root = tmp_path / "place"
    root.mkdir()
    if request.param == "docker":
        program = tmp_path / "docker"
        program.write_text(DOCKER.format(folder=root))
        program.chmod(0o755)

        def build(text: str) -> None:
            saved(root / "image.tar", text)
            (root / "name").write_text(NAME)
            (root / "id").write_text(f"sha256:{text}")

        return Docker(str(program)), build
    if shutil.which("skopeo") is None:
        pytest.skip("skopeo is not installed: scripts/install test")

    def put(text: str) -> None:
        source = f"docker-archive:{saved(tmp_path / 'image.tar', text)}"
        target = f"containers-storage:[{request.param}@{root}+{tmp_path}/run]{NAME}"
        words = ["unshare", "--mount", "--", "skopeo", "--insecure-policy", "copy", "--quiet", source, target]
        subprocess.run(words, check=True, timeout=60)

    return Containers(root), put


def sources(tmp_path: Path, place: Place) -> Sources:
    return Sources(pulls=Pulls(Store(tmp_path / "images"), Registries(), Vantage(), [place]))


def page(image: Image) -> str:
    [file] = [f for one in image.layers for f in one.glob("www/*")]
    return file.read_text()


@pytest.mark.kernel
@pytest.mark.parametrize("policy", ["Never", "IfNotPresent"])
async def test_it_is_there_without_being_loaded_and_a_new_build_is_what_runs_next(
    place: tuple[Place, Put], tmp_path: Path, policy: PullPolicy
) -> None:
    where, put = place
    put("first")
    images = sources(tmp_path, where)
    first = await images.pull(Wish(NAME, policy))
    assert (page(first), first.args) == ("first", ("serve",))
    assert await images.pull(Wish(NAME, policy)) == first
    put("second")
    assert page(await images.pull(Wish(NAME, policy))) == "second"


async def test_what_it_has_not_is_not_there(tmp_path: Path) -> None:
    images = sources(tmp_path, Containers(tmp_path / "nowhere"))
    with pytest.raises(PullError, match="is not present with pull policy of Never"):
        await images.pull(Wish(NAME, "Never"))


@pytest.mark.kernel
async def test_for_always_a_registry_comes_first_and_this_machine_stands_in(
    place: tuple[Place, Put], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    where, put = place
    put("built here")
    images, asked = sources(tmp_path, where), []

    async def refuse(self: Pulls, reference: object, wish: Wish) -> Image:
        asked.append(wish.reference)
        raise PullError("no registry has it")

    monkeypatch.setattr(Pulls, "pull", refuse)
    assert page(await images.pull(Wish(NAME, "Always"))) == "built here"
    assert asked == [NAME]


async def test_what_cannot_be_read_says_what_it_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (listed := tmp_path / "place" / "overlay-images").mkdir(parents=True)
    (listed / "images.json").write_text(f'[{{"id": "{"0" * 64}", "names": ["{NAME}"]}}]')
    monkeypatch.setattr("shutil.which", lambda *_: None)
    with pytest.raises(PullError, match="needs skopeo or podman"):
        await sources(tmp_path, Containers(tmp_path / "place")).pull(Wish(NAME))
