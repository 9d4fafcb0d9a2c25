"""What an image is made of, as registries tell it: indexes, manifests, configurations. Pure.

Source: opencontainers/image-spec (image-index.md, manifest.md, config.md, layer.md) and Docker's image manifest
version 2, schema 2 (distribution/docs/spec/manifest-v2-2.md), which say the same under other media types.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

from wherry.images.errors import ContentError

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar"

INDEXES, MANIFESTS, CONFIGS = (OCI_INDEX, DOCKER_LIST), (OCI_MANIFEST, DOCKER_MANIFEST), (OCI_CONFIG, DOCKER_CONFIG)
ACCEPTED = (*INDEXES, *MANIFESTS)

COMPRESSIONS = {
    OCI_LAYER: "none",
    f"{OCI_LAYER}+gzip": "gzip",
    f"{OCI_LAYER}+zstd": "zstd",
    DOCKER_LAYER: "none",
    f"{DOCKER_LAYER}.gzip": "gzip",
    f"{DOCKER_LAYER}.zstd": "zstd",
}
"""What a layer is packed with, by its media type. Others are encrypted, or lie somewhere else (foreign layers)."""

ARCHITECTURES = {
    "x86_64": ("amd64", ""),
    "aarch64": ("arm64", "v8"),
    "armv7l": ("arm", "v7"),
    "ppc64le": ("ppc64le", ""),
    "s390x": ("s390x", ""),
    "riscv64": ("riscv64", ""),
}
"""uname(2)'s machine -> Go's architecture and variant."""

MOST_LAYERS = 127
LARGEST_DOCUMENT = 8 << 20
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")

T = TypeVar("T")


class Platform(msgspec.Struct, frozen=True):
    """What a manifest of an index is for."""

    architecture: str = ""
    os: str = ""
    variant: str = ""


class Descriptor(msgspec.Struct, frozen=True, rename="camel", omit_defaults=True):
    """A reference to content by its digest; `size` in bytes."""

    media_type: str
    digest: str
    size: int
    platform: Platform | None = None
    annotations: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Refuse what is no digest: it becomes a file's name."""
        check_digest(self.digest)


class Manifest(msgspec.Struct, frozen=True, rename="camel"):
    """One image of one platform."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    schema_version: int = 2
    media_type: str = OCI_MANIFEST


class Index(msgspec.Struct, frozen=True, rename="camel"):
    """The same image for several platforms."""

    manifests: tuple[Descriptor, ...]
    schema_version: int = 2
    media_type: str = OCI_INDEX


class Settings(msgspec.Struct, frozen=True, rename="pascal"):
    """What a container of the image runs with."""

    user: str | None = ""
    env: tuple[str, ...] | None = ()
    entrypoint: tuple[str, ...] | None = ()
    cmd: tuple[str, ...] | None = ()
    working_dir: str | None = ""
    volumes: Mapping[str, object] | None = None
    stop_signal: str | None = ""


class RootFs(msgspec.Struct, frozen=True):
    """The layers by the digests of what is in them, the lowest first."""

    diff_ids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what is no digest: it becomes a file's name."""
        for one in self.diff_ids:
            check_digest(one)


class Config(msgspec.Struct, frozen=True):
    """An image's configuration."""

    rootfs: RootFs
    config: Settings | None = None
    architecture: str = ""
    os: str = ""
    created: str | None = None


def check_digest(text: str) -> None:
    """Raise ValueError where `text` is no sha256 digest."""
    if not _DIGEST.fullmatch(text):
        raise ValueError(f"{text[:80]!r} is no sha256 digest")


def digest_of(data: bytes) -> str:
    """Return the digest of a document."""
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def _read(data: bytes, kind: type[T], what: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:  # a ValidationError too
        raise ContentError(f"the {what} cannot be read: {error}") from error


class _Head(msgspec.Struct, rename="camel"):
    schema_version: int = 0
    media_type: str = ""
    manifests: msgspec.Raw = msgspec.Raw()


def read(data: bytes, media_type: str = "") -> Index | Manifest:
    """Read a manifest or an index; `media_type` is what it came as. Raises ContentError."""
    head = _read(data, _Head, "manifest")
    media_type = head.media_type or media_type
    if head.schema_version == 1:
        raise ContentError(
            "its manifest is of Docker's version 1, which is not supported: push it again with a tool of today"
        )
    if media_type in INDEXES or (media_type not in MANIFESTS and bytes(head.manifests)):
        return _read(data, Index, "index")
    manifest = _read(data, Manifest, "manifest")
    if manifest.config.media_type not in CONFIGS:
        raise ContentError(f"it is no container image but {manifest.config.media_type}")
    if len(manifest.layers) > MOST_LAYERS:
        raise ContentError(f"it has {len(manifest.layers)} layers; {MOST_LAYERS} are the most")
    for layer in manifest.layers:
        if layer.media_type not in COMPRESSIONS:
            raise ContentError(f"a layer of it is {layer.media_type}, which is not supported")
    return manifest


def read_config(data: bytes, manifest: Manifest) -> Config:
    """Read the configuration that belongs to `manifest`. Raises ContentError."""
    config = _read(data, Config, "image's configuration")
    if len(config.rootfs.diff_ids) != len(manifest.layers):
        raise ContentError("its configuration and its manifest speak of different layers")
    return config


def here() -> Platform:
    """Return this machine's platform."""
    machine = os.uname().machine
    architecture, variant = ARCHITECTURES.get(machine, (machine, ""))
    return Platform(architecture, "linux", variant)


def choose(index: Index, wanted: Platform) -> Descriptor:
    """Return the entry of an index that fits the platform; raises ContentError, naming what there is.

    Of an architecture with variants, this machine's, else one that does not say which. A lone entry that says nothing
    of its platform is taken, as `umoci` and `docker save` write them.
    """
    found = [one for one in index.manifests if _fits(one.platform, wanted)]
    if found:
        return min(found, key=lambda one: (one.platform or wanted).variant != wanted.variant)
    if len(index.manifests) == 1 and not (index.manifests[0].platform or Platform()).architecture:
        return index.manifests[0]
    there = ", ".join(sorted({_name(one.platform) for one in _images(index)})) or "nothing"
    raise ContentError(f"no match for platform {_name(wanted)} in manifest: it is for {there}")


def _fits(platform: Platform | None, wanted: Platform) -> bool:
    if platform is None or (platform.os, platform.architecture) != (wanted.os, wanted.architecture):
        return False
    return platform.variant in ("", wanted.variant) or not wanted.variant


def _images(index: Index) -> Iterable[Descriptor]:
    """Return the entries but those that are about others, as build attestations are."""
    return (one for one in index.manifests if one.platform and one.platform.os != "unknown")


def _name(platform: Platform | None) -> str:
    one = platform or Platform()
    return "/".join(part for part in (one.os, one.architecture, one.variant) if part) or "?"
