"""Images from files and into files: what Docker, Podman and skopeo write is loaded, and they read what is saved."""

from __future__ import annotations

import gzip
import io
import json
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
import zstandard

from tests.images.maker import Made, digest, docker_save, entry, folder, image, index, layer, layout, oci_archive
from wherry.images.archive.load import load
from wherry.images.archive.save import save
from wherry.images.errors import ContentError, PullError
from wherry.images.store.store import Store

PAGE = layer(folder("www"), entry("www/index.html", "a page\n"))
MORE = layer(entry("www/more.html", "more\n"), entry("www/.wh.index.html"))
NAME = "docker.io/library/web:v1"


def files(store: Store, name: str = NAME) -> dict[str, str]:
    """Return the files of an image's topmost layer that has them."""
    content = store.find(name)
    assert content is not None
    return {f.name: f.read_text() for one in content.layers for f in one.glob("www/*") if f.is_file()}


async def test_what_docker_saved_is_loaded_under_all_its_names(store: Store, tmp_path: Path) -> None:
    archive = docker_save(tmp_path / "saved.tar", [PAGE, MORE], ["web:v1", "a.test:5000/web:v2"], {"Cmd": ["serve"]})
    found = await load(store, archive)
    assert [named.reference for named in found] == [NAME, "a.test:5000/web:v2"]
    assert all(named.local for named in found)
    assert files(store) == {"index.html": "a page\n", "more.html": "more\n"}
    content = store.find(NAME)
    assert content is not None
    assert content.config.config is not None
    assert content.config.config.cmd == ("serve",)


@pytest.mark.parametrize("pack", [gzip.compress, zstandard.ZstdCompressor().compress], ids=["gzip", "zstd"])
async def test_an_archive_may_be_compressed_and_a_stream(
    store: Store, tmp_path: Path, pack: Callable[[bytes], bytes]
) -> None:
    archive = docker_save(tmp_path / "saved.tar", [PAGE], ["web:v1"], {})
    packed = pack(archive.read_bytes())
    assert [named.reference for named in await load(store, io.BytesIO(packed))] == [NAME]
    assert files(store) == {"index.html": "a page\n"}


@pytest.mark.parametrize("packed", ["", "gzip", "zstd"])
async def test_an_oci_archive_is_loaded_whatever_its_layers_are_packed_with(
    store: Store, tmp_path: Path, packed: str
) -> None:
    made = image(PAGE, packed=packed)
    [named] = await load(store, oci_archive(tmp_path / "oci.tar", made, "docker.io/library/web:v1"))
    assert (named.reference, named.digest) == (NAME, made.digest)
    assert files(store) == {"index.html": "a page\n"}


async def test_a_layout_in_a_folder_is_loaded_and_of_an_index_this_machines_image(store: Store, tmp_path: Path) -> None:
    here = image(PAGE)
    platform = json.loads(next(b for b in here.blobs.values() if b"architecture" in b))["architecture"]
    both = index(
        [(here, {"os": "linux", "architecture": platform}), (image(MORE), {"os": "linux", "architecture": "z"})]
    )
    for name, data in layout(both, "web:v1").items():
        (tmp_path / "layout" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "layout" / name).write_bytes(data)
    [named] = await load(store, tmp_path / "layout")
    assert (named.digest, named.manifest) == (both.digest, here.digest)
    assert files(store) == {"index.html": "a page\n"}


async def test_a_name_can_be_said_and_has_to_be_where_the_file_has_none(store: Store, tmp_path: Path) -> None:
    nameless = docker_save(tmp_path / "nameless.tar", [PAGE], [], {})
    with pytest.raises(ContentError, match="no name: say one with --tag"):
        await load(store, nameless)
    only_a_tag = oci_archive(tmp_path / "tag.tar", image(PAGE), "v1")
    with pytest.raises(ContentError, match="'v1', which may be no more than a tag"):
        await load(store, only_a_tag)
    [named] = await load(store, nameless, "localhost/mine")
    assert named.reference == "localhost/mine:latest"
    with pytest.raises(PullError, match="under a tag"):
        await load(store, nameless, f"web@{digest(b'')}")


def damaged(made: Made) -> Made:
    largest = max(made.blobs, key=lambda name: len(made.blobs[name]))
    return Made(made.document, made.media_type, made.blobs | {largest: b"x" + made.blobs[largest][1:]})


def incomplete(made: Made) -> Made:
    config = json.loads(made.document)["config"]["digest"]
    return Made(made.document, made.media_type, {config: made.blobs[config]})


@pytest.mark.parametrize(("change", "said"), [(damaged, "is damaged: it is sha256"), (incomplete, "it has no blobs/")])
async def test_what_is_damaged_or_not_whole_is_not_taken(
    store: Store, tmp_path: Path, change: Callable[[Made], Made], said: str
) -> None:
    with pytest.raises(ContentError, match=said):
        await load(store, oci_archive(tmp_path / "oci.tar", change(image(PAGE)), "web:v1"))
    assert store.names.all() == []
    assert not list((store.root / "partial").iterdir())


async def test_a_file_that_is_no_image_is_refused_and_says_what_it_is_not(store: Store, tmp_path: Path) -> None:
    text, other = tmp_path / "text", tmp_path / "other.tar"
    text.write_text("no archive")
    other.write_bytes(PAGE)
    with pytest.raises(ContentError, match="no tar file"):
        await load(store, text)
    with pytest.raises(ContentError, match="neither an OCI layout nor"):
        await load(store, other)


async def test_what_is_saved_is_loaded_again_with_all_its_names(store: Store, tmp_path: Path) -> None:
    await load(store, docker_save(tmp_path / "saved.tar", [PAGE, MORE], ["web:v1", "web:v2"], {}))
    await load(store, oci_archive(tmp_path / "oci.tar", image(PAGE, packed="zstd"), "other:v1"))
    contents = [store.find(named.reference) for named in store.names.all()]
    with (tmp_path / "again.tar").open("wb") as target:
        save(store, [one for one in contents if one], target)
    again = Store(tmp_path / "again")
    found = await load(again, tmp_path / "again.tar")
    assert [(n.reference, n.image) for n in found] == [(n.reference, n.image) for n in store.names.all()]
    assert files(again) == files(store)


@pytest.mark.skipif(shutil.which("skopeo") is None, reason="skopeo is not installed: scripts/install test")
@pytest.mark.parametrize("kind", ["docker-archive", "oci-archive"])
async def test_skopeo_reads_what_is_saved_and_its_archives_are_loaded(store: Store, tmp_path: Path, kind: str) -> None:
    await load(store, docker_save(tmp_path / "saved.tar", [PAGE, MORE], ["web:v1"], {}))
    content = store.find(NAME)
    assert content is not None
    with (tmp_path / "again.tar").open("wb") as target:
        save(store, [content], target)
    theirs = tmp_path / "theirs.tar"
    words = ["copy", "--quiet", f"{kind}:{tmp_path / 'again.tar'}", f"{kind}:{theirs}:web:v1"]
    subprocess.run(["skopeo", "--insecure-policy", *words], check=True, timeout=60)
    other = Store(tmp_path / "other")
    [named] = await load(other, theirs, "web:v1")
    assert named.image == content.named.image or kind == "oci-archive"
    assert files(other) == files(store)
