"""Names of images are what a newcomer is used to from Docker."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from wherry.images.errors import PullError
from wherry.node.images.imagemap import ImageMapError
from wherry.node.images.source import Wish
from wherry.node.images.sources import Sources
from wherry.node.runtime.spec import arguments

EVERYTHING = "images: [{match: '*', command: [everything]}]"


def a_map(folder: Path, text: str) -> Sources:
    (path := folder / "images.yaml").write_text(text)
    return Sources([path])


@pytest.mark.parametrize(
    "name",
    ["nginx", "nginx:1.25", "docker.io/nginx", "docker.io/library/nginx:latest", "public.ecr.aws/nginx/nginx:stable"],
)
async def test_nginx_is_known_by_all_its_names(name: str) -> None:
    plain = await Sources().pull(Wish("nginx", "Always"))
    assert (await Sources().pull(Wish(name, "Always"))).id == plain.id


@pytest.mark.parametrize("name", ["library/busybox", "docker.io/library/python:3", "mirror.gcr.io/library/alpine:3"])
async def test_so_are_the_others(name: str) -> None:
    assert (await Sources().pull(Wish(name, "Always"))).args


@pytest.mark.parametrize("name", ["nginx-ingress", "nginx/nginx-ingress", "pythonista", "bitnami/nginx"])
async def test_another_image_is_no_plain_nginx(name: str) -> None:
    with pytest.raises(PullError, match="in no image map"):
        await Sources().pull(Wish(name, "Always"))


async def test_what_is_no_name_is_called_so() -> None:
    with pytest.raises(PullError, match='"Nginx": invalid reference format') as caught:
        await Sources().pull(Wish("Nginx", "Always"))
    assert caught.value.reason == "InvalidImageName"


@pytest.mark.parametrize("name", ["coredns", "kube-proxy", "ingress-controller"])
async def test_a_pattern_for_everything_leaves_wherrys_own_components_alone(name: str, tmp_path: Path) -> None:
    images = a_map(tmp_path, EVERYTHING)
    assert (await images.pull(Wish("nginx", "Always"))).command == ("everything",)
    assert (await images.pull(Wish(f"wherry/{name}:9", "Always"))).command[:3] == (sys.executable, "-m", "wherry")


CONTAINER = {"name": "c", "command": ["/go/bin/server"], "args": ["-v"]}


async def test_an_entry_may_stand_for_a_program_this_machine_lacks(tmp_path: Path) -> None:
    images = a_map(tmp_path, "images: [{match: a, command: [python3], args: [-V], replaceCommand: true}]")
    assert arguments(CONTAINER, await images.pull(Wish("a", "Always")), {}) == ["python3", "-V"]


async def test_without_that_a_containers_command_is_its_own(tmp_path: Path) -> None:
    images = a_map(tmp_path, "images: [{match: a, command: [python3]}]")
    assert arguments(CONTAINER, await images.pull(Wish("a", "Always")), {}) == ["/go/bin/server", "-v"]


def test_a_command_is_replaced_by_a_command(tmp_path: Path) -> None:
    with pytest.raises(ImageMapError, match="replaceCommand needs a command or args"):
        a_map(tmp_path, "images: [{match: a, replaceCommand: true}]")
