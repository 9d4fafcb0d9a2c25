"""The examples' documents name the files there are, and their manifests are ones the API knows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from wherry.images import reference
from wherry.node.images import imagemap

MYBLOG = Path(__file__).resolve().parents[2] / "examples" / "myblog"
README = (MYBLOG / "README.md").read_text()
MANIFESTS = sorted((MYBLOG / "manifests").iterdir())


def test_the_table_names_every_manifest() -> None:
    rows = re.findall(r"^\| (`.*?) \|", README, re.MULTILINE)
    assert sorted(re.findall(r"`([\w-]+\.yaml)`", " ".join(rows))) == [p.name for p in MANIFESTS]


def test_the_commands_name_files_that_exist() -> None:
    [block] = re.findall(r"^```sh blog\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    named = re.findall(r"[\w/-]+\.yaml", block)
    assert len(named) == 7
    assert all((MYBLOG / name).exists() for name in named)


def test_every_image_is_in_the_map() -> None:
    entries = imagemap.load(MYBLOG / "image-map.yaml")
    images = {image for path in MANIFESTS for image in re.findall(r"image: (\S+)", path.read_text())}
    assert images
    for image in images:
        asked = reference.parse(image)
        assert any(reference.matches(asked, pattern) for entry in entries for pattern in entry.patterns), image


@pytest.mark.parametrize("path", MANIFESTS, ids=lambda p: p.name)
def test_every_manifest_is_of_the_namespace_demo(path: Path) -> None:
    for document in yaml.safe_load_all(path.read_text()):
        assert document["metadata"]["namespace"] == "demo"
