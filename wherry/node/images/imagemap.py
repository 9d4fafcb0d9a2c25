"""The image map: any program installed on this machine as an image, without building one.

A YAML file lists patterns; the first that matches a reference says what to run over a view of the host's file system:

    images:
      - match: "192.168.51.209:5000/myblog:*"  # or a list; see reference.py
        command: ["{python}", manage.py]       # as ENTRYPOINT
        args: [runserver, "0.0.0.0:8002"]      # as CMD
        workingDir: myblog                     # relative: to this file's folder
        user: www-data                         # name or uid, with :group if wanted
        env: {LANG: C.UTF-8}
        mounts: [{source: ., target: /srv, readOnly: true}]
        replaceCommand: true                   # also in place of what the container itself says

`{python}` stands for this interpreter, `{package}` for the folder wherry is imported from, `{folder}` for the file's.
What they stand for is in the container where it is on this machine, and so is the file's folder for a relative
workingDir; beside that a container finds what `machineroot.py` shows, and its `mounts`.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import msgspec
import yaml

from wherry.images import reference as references
from wherry.images.reference import Reference
from wherry.node.images.machineroot import MachineRoot
from wherry.node.images.source import Image, ImageFolder, ImageMount

COMPONENTS = Path(__file__).with_name("components.yaml")
BUILTIN = Path(__file__).with_name("builtin.yaml")
PACKAGE = Path(__file__).resolve().parents[3]
INTERPRETER = (Path(sys.prefix), Path(sys.base_prefix))


class ImageMapError(ValueError):
    """An image map cannot be read; the message names the file and what is wrong with it."""


class MountEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename="camel"):
    """One of an entry's `mounts`."""

    source: str
    target: str
    read_only: bool = False


class MapEntry(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, rename="camel"):
    """One of `images`."""

    match: str | tuple[str, ...]
    command: tuple[str, ...] = ()
    args: tuple[str, ...] = ()
    working_dir: str = "/"
    env: dict[str, str] = {}
    user: str = ""
    mounts: tuple[MountEntry, ...] = ()
    stop_signal: str = "SIGTERM"
    replace_command: bool = False

    def __post_init__(self) -> None:
        """Refuse what could only replace a command by nothing."""
        if self.replace_command and not (self.command or self.args):
            raise ValueError("replaceCommand needs a command or args to put in its place")

    @property
    def patterns(self) -> tuple[str, ...]:
        """The names it stands for."""
        return (self.match,) if isinstance(self.match, str) else self.match


class _Document(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    images: tuple[MapEntry, ...]


class ImageMap:
    """Images made of files, asked in their order; nothing is ever fetched."""

    def __init__(self, files: Iterable[Path], root: MachineRoot = MachineRoot()):  # noqa: B008
        self._root = root
        self._entries = [(entry, path.parent) for path in files for entry in load(path)]

    def find(self, asked: Reference, text: str) -> Image | None:
        """Return the image that a name, which is `text`, stands for; None where no entry matches."""
        for entry, folder in self._entries:
            if any(references.matches(asked, pattern) for pattern in entry.patterns):
                return resolve(text, entry, folder, self._root)
        return None


def load(path: Path) -> Sequence[MapEntry]:
    """Read one file; raises ImageMapError."""
    try:
        document = yaml.safe_load(path.read_bytes())
        if document is None:
            raise ImageMapError(f"{path}: it is empty; an image map begins with `images:`")
        return msgspec.convert(document, _Document).images
    except OSError as error:
        raise ImageMapError(f"{path}: {error.strerror}") from error
    except yaml.YAMLError as error:
        raise ImageMapError(f"{path}: not YAML: {' '.join(str(error).split())}") from error
    except msgspec.ValidationError as error:
        raise ImageMapError(f"{path}: {error}") from error


def resolve(reference: str, entry: MapEntry, folder: Path, root: MachineRoot = MachineRoot()) -> Image:  # noqa: B008
    """Turn an entry of a file in `folder` into the image of `reference`, over `root`."""
    folder = folder.resolve()
    places = {"{python}": sys.executable, "{package}": str(PACKAGE), "{folder}": str(folder)}

    def fill(text: str) -> str:
        for place, value in places.items():
            text = text.replace(place, value)
        return text

    mounts = tuple(ImageMount((folder / fill(m.source)).resolve(), fill(m.target), m.read_only) for m in entry.mounts)
    return Image(
        reference=reference,
        id="sha256:" + hashlib.sha256(msgspec.json.encode((entry, str(folder)))).hexdigest(),
        command=tuple(map(fill, entry.command)),
        args=tuple(map(fill, entry.args)),
        working_dir=str(folder / fill(entry.working_dir)),
        env={name: fill(value) for name, value in entry.env.items()},
        user=entry.user,
        layers=root.layers,
        folders=(*root.folders, *_own_folder(entry, folder)),
        mounts=(*root.mounts, *_programs(entry), *mounts),
        stop_signal=entry.stop_signal,
        replaces_command=entry.replace_command,
    )


def _uses(entry: MapEntry, place: str) -> bool:
    words = (*entry.command, *entry.args, *entry.env.values(), entry.working_dir, *(m.source for m in entry.mounts))
    return any(place in word for word in words)


def _own_folder(entry: MapEntry, folder: Path) -> tuple[ImageFolder, ...]:
    """Return the map's own folder, if the entry speaks of it: by its place, or by a relative working folder."""
    wanted = _uses(entry, "{folder}") or not entry.working_dir.startswith(("/", "{"))
    return (ImageFolder(folder, str(folder)),) if wanted else ()


def _programs(entry: MapEntry) -> Iterator[ImageMount]:
    """Yield the folders of what the entry's places stand for, each where it is on this machine, to read only."""
    wanted = [*INTERPRETER] if _uses(entry, "{python}") else []
    if _uses(entry, "{package}"):
        wanted.append(PACKAGE / "wherry")
    for folder in dict.fromkeys(wanted):
        covered = folder.is_relative_to("/usr") or any(other in folder.parents for other in wanted)
        if not covered:
            yield ImageMount(folder, str(folder), read_only=True)
