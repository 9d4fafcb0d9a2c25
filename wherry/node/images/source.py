"""The contract of an image source, and what an image is to the rest of the node."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

PullPolicy = Literal["Always", "IfNotPresent", "Never"]


@dataclass(frozen=True, slots=True)
class ImageMount:
    """A folder or file of the host that an image brings along, at `target` in the container."""

    source: Path
    target: str
    read_only: bool = False


@dataclass(frozen=True, slots=True)
class ImageFolder:
    """A folder of the host that is at `target` in the container, copy-on-write: nothing written there comes back."""

    source: Path
    target: str


@dataclass(frozen=True, slots=True)
class Image:
    """Something containers can be made of: the fields of an OCI image's config that matter here.

    id: changes whenever anything else does. command, args: Entrypoint and Cmd. user: `name|uid[:group|gid]`.
    layers: the lower folders of the root file system, topmost first. folders: shown over it.
    replaces_command: a container runs `command` and `args` whatever it says itself.
    """

    reference: str
    id: str
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = "/"
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    mounts: tuple[ImageMount, ...] = ()
    layers: tuple[Path, ...] = ()
    folders: tuple[ImageFolder, ...] = ()
    stop_signal: str = "SIGTERM"
    replaces_command: bool = False


class PullError(Exception):
    """An image cannot be had. `reason` is the container's waiting reason (ErrImagePull, ErrImageNeverPull …)."""

    def __init__(self, message: str, reason: str = "ErrImagePull"):
        super().__init__(message)
        self.message = message
        self.reason = reason


class ImageSource(Protocol):
    """Where images come from."""

    async def pull(self, reference: str, policy: PullPolicy) -> Image:
        """Return the image for `reference`, fetching it if `policy` says so.

        May take minutes and be cancelled. Raises `PullError`, with reason ErrImageNeverPull where policy Never forbids
        to fetch what is not here. The caller backs off and retries; the source does not.
        """
        ...
