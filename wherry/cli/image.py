"""`wherry image`: the images that a cluster's pods are made of."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click

from wherry.cli import options
from wherry.cli.failure import Failure, told
from wherry.cli.progress import Progress
from wherry.cluster.paths import Paths
from wherry.images.errors import PullError
from wherry.images.store.names import Named
from wherry.images.store.store import Content, Store

T = TypeVar("T")

MEGA = 10**6


@click.group()
def command() -> None:
    """Show, fetch, load, save, remove and build the images of a cluster, which may be running or not.

    All nodes share them. One that was loaded or built is what pods get, whatever their imagePullPolicy: no registry has
    it. Names are as Docker reads them: `web` is docker.io/library/web:latest.
    """


def _store(name: str) -> Store:
    paths: Paths = options.existing(name)[0]
    return Store(paths.images, users=paths.data / "nodes")


def _done(work: Coroutine[Any, Any, T], what: str = "") -> T:
    try:
        return asyncio.run(work)
    except PullError as error:
        raise Failure(f"{what}: {error.message}" if what else error.message) from error


def _tell(found: Sequence[Named], verb: str) -> None:
    for named in found:
        click.echo(f"{verb} {named.reference} ({named.image[7:19]})")


@command.command("ls")
@options.name
def ls(name: str) -> None:
    """List images: their name, their id, what was transferred for them, where they are from and when last used."""
    store = _store(name)
    rows = [("NAME", "IMAGE ID", "SIZE", "FROM", "USED")]
    for named in store.names.all():
        if "@" in named.reference:
            continue  # a tag's other name
        age = time.time() - store.names.used_at(named.reference)
        size = f"{named.size / MEGA:.1f} MB"
        rows.append(
            (
                named.reference,
                named.image[7:19],
                size,
                "here" if named.local else "machine" if named.machine else "registry",
                _ago(age),
            )
        )
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _ago(seconds: float) -> str:
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size:.0f} {unit} ago"
    return f"{max(seconds, 0):.0f} s ago"


@command.command("pull")
@options.name
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def pull(name: str, images: Sequence[str]) -> None:
    """Fetch images from their registries, by the cluster's --registries and this user's logins, before pods ask."""
    paths, config = options.existing(name)
    store = Store(paths.images, users=paths.data / "nodes")
    with Progress() as progress:
        found = _done(_pull(store, config.registries, images, progress))
    _tell(found, "pulled")


async def _pull(store: Store, file: str | None, images: Sequence[str], progress: Progress) -> list[Named]:
    from wherry.images import registries
    from wherry.images.pull import Puller
    from wherry.images.reference import parse
    from wherry.images.registry.network import Vantage

    try:
        wanted = [parse(image) for image in images]
        known = registries.load(Path(file) if file else None)
    except (ValueError, registries.RegistriesError) as error:
        raise PullError(str(error)) from error
    found = []
    async with Vantage().session() as session:
        for reference in wanted:
            blobs: dict[str, tuple[int, int]] = {}

            def told(digest: str, done: int, size: int, name: str = reference.full, blobs: Any = blobs) -> None:
                blobs[digest] = done, size
                here, whole = (sum(part) / MEGA for part in zip(*blobs.values(), strict=True))
                progress(f"pulling {name}: {here:.1f} of {whole:.1f} MB")

            found.append((await Puller(store, known, session).pull(reference, (), told)).named)
    return found


@command.command("load")
@options.name
@click.option("-t", "--tag", default="", help="What to call the image, instead of what the file says.")
@click.argument("file", type=click.Path(), default="-")
def load(name: str, tag: str, file: str) -> None:
    """Load the images of FILE, or of standard input: `docker save`'s or Podman's archive, an OCI archive or layout."""
    from wherry.images.archive import load as loading

    source: Path | BinaryIO = Path(file)
    if file == "-":
        if sys.stdin.isatty():
            raise Failure(
                "load: say a file, or give an archive on standard input: `docker save IMAGE | wherry image load`"
            )
        source = sys.stdin.buffer
    _tell(_done(loading.load(_store(name), source, tag), file), "loaded")


@command.command("save")
@options.name
@click.option("-o", "--output", type=click.Path(dir_okay=False), help="A file; without it, standard output.")
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def save(name: str, output: str | None, images: Sequence[str]) -> None:
    """Write images into one archive, which `docker load`, Podman, skopeo and `wherry image load` read."""
    from wherry.images.archive import save as saving

    store = _store(name)
    contents = [_find(store, image) for image in images]
    if output is None and sys.stdout.isatty():
        raise Failure("save: an archive is not for a terminal: say a file with --output")
    try:
        if output is None:
            saving.save(store, contents, sys.stdout.buffer)
            return
        with Path(output).open("wb") as target:
            saving.save(store, contents, target)
    except PullError as error:
        raise Failure(error.message) from error


def _find(store: Store, image: str) -> Content:
    content = store.find(_full(image))
    if content is None:
        raise Failure(f"{image}: there is no such image here; `wherry image ls` lists them")
    return content


def _full(image: str) -> str:
    from wherry.images.reference import parse

    with told(ValueError):
        return parse(image).full


@command.command("rm")
@options.name
@click.argument("images", nargs=-1, required=True, metavar="IMAGE...")
def rm(name: str, images: Sequence[str]) -> None:
    """Forget images by their names, and remove what no other name and no container needs."""
    store = _store(name)
    for image in images:
        named = store.names.get(_full(image))
        if named is None:
            raise Failure(f"{image}: there is no such image here; `wherry image ls` lists them")
        store.names.drop(named.reference)
        _drop_digest(store, named)
        click.echo(f"removed {named.reference}")
    freed = asyncio.run(store.sweep())
    click.echo(f"freed {freed / MEGA:.1f} MB")


def _drop_digest(store: Store, named: Named) -> None:
    """Forget the other name of what had a tag, unless another tag of its repository stands for the same."""
    repository, at, _ = named.reference.partition("@")
    if at:
        return
    repository = repository.rpartition(":")[0]
    if not any(
        other.digest == named.digest and other.reference.rpartition(":")[0] == repository for other in store.names.all()
    ):
        store.names.drop(f"{repository}@{named.digest}")


@command.command("build")
@options.name
@click.option("-t", "--tag", required=True, help="The image's name.")
@click.option("-f", "--file", type=click.Path(dir_okay=False), help="The Containerfile, if it is not in the context.")
@click.option("--target", default="", help="The stage to build.")
@click.option("--build-arg", multiple=True, metavar="NAME=VALUE", help="A value for an ARG. Can be repeated.")
@click.argument("context", type=click.Path(exists=True, file_okay=False))
def build(name: str, tag: str, file: str | None, target: str, build_arg: Sequence[str], context: str) -> None:
    """Build an image of CONTEXT's Containerfile or Dockerfile, by buildah, for this cluster's pods."""
    from wherry.images import build as building

    recipe = building.Recipe(Path(context).resolve(), tag, Path(file).resolve() if file else None, target, build_arg)
    _tell(_done(building.build(_store(name), recipe)), "built")
