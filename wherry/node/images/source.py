"""The contract of an image source, and what an image is to the rest of the node."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol

from wherry.images.credentials import Keyring
from wherry.images.errors import PullError
from wherry.images.reference import Reference, parse

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

    id: what a pod's status calls it; changes whenever anything else does. command, args: Entrypoint and Cmd.
    user: `name|uid[:group|gid]`. layers: the lower folders of the root file system, topmost first. folders: shown over
    it. volumes: folders that a container may write to also where its root is read-only.
    replaces_command: a container runs `command` and `args` whatever it says itself.
    content: the manifest's digest, of an image that has files of its own; "" for one over a view of this machine.
    size: bytes, as they were transferred.
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
    volumes: tuple[str, ...] = ()
    stop_signal: str = "SIGTERM"
    replaces_command: bool = False
    content: str = ""
    size: int = 0

    @property
    def of_this_machine(self) -> bool:
        """Whether its files are a view of this machine's."""
        return not self.content


@dataclass(frozen=True, slots=True)
class Wish:
    """What a container asks for. `keyrings`: the credentials of its pod; `telling`: called when a registry is asked."""

    reference: str
    policy: PullPolicy = "IfNotPresent"
    keyrings: Sequence[Keyring] = ()
    telling: Callable[[], None] = lambda: None


class ImageSource(Protocol):
    """Where images come from."""

    async def pull(self, wish: Wish) -> Image:
        """Return the image a container asks for, fetching it if its policy says so.

        May take minutes and be cancelled. Raises `PullError`, with reason ErrImageNeverPull where policy Never forbids
        to fetch what is not here. The caller backs off and retries; the source does not.
        """
        ...


def parsed(text: str) -> Reference:
    """Read the name of an image; raises PullError with reason InvalidImageName."""
    try:
        return parse(text)
    except ValueError as error:
        raise PullError(f'Failed to apply default image tag "{text}": {error}', "InvalidImageName") from error
