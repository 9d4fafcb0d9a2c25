"""What becomes of a layer's entries: files below `/`, which is the layer's folder, as the process is locked into it.

A layer may be anybody's. What could lead out, or mean something to an overlay that its maker is not to say, is left
out or refused: `..`, device nodes, attributes of overlayfs, names that begin with `.wh.` elsewhere than in a whiteout.

Source: opencontainers/image-spec layer.md (whiteouts); Documentation/filesystems/overlayfs.rst (what it calls them).
"""

from __future__ import annotations

import os
import stat
import tarfile
from collections.abc import Callable, Iterator
from typing import BinaryIO

from wherry.images import trees

WHITEOUT = ".wh."
OPAQUE = ".wh..wh..opq"
AUFS = ".wh..wh."
"""What AUFS kept beside whiteouts: no files of the image."""
OVERLAY_OPAQUE = "trusted.overlay.opaque"
XATTR = "SCHILY.xattr."
KEPT_XATTRS = ("security.capability", "user.")
LEFT_OUT_XATTRS = ("user.overlay.",)
CHUNK = 1 << 20


class LayerError(Exception):
    """A layer that is not unpacked; the message says why."""


class Unpacker:
    """Makes files of entries. `room`: called with the bytes of a piece before it is written; raises if none is left."""

    def __init__(self, room: Callable[[int], None] = lambda size: None):
        self.size = 0
        self._room = room
        self._folders: dict[str, float] = {}

    def unpack(self, archive: tarfile.TarFile) -> None:
        """Make everything that is in the archive. Raises LayerError, OSError, tarfile.TarError."""
        for entry in archive:
            archive.members = []  # type: ignore[attr-defined]  # a stream needs no memory of what has passed
            self._take(archive, entry)
        for path, modified in self._folders.items():
            _stamp(path, modified)

    def _take(self, archive: tarfile.TarFile, entry: tarfile.TarInfo) -> None:
        path = place(entry.name)
        folder, name = os.path.split(path)
        if name == OPAQUE:
            self._make_folders(folder)
            os.setxattr(folder, OVERLAY_OPAQUE, b"y")
        elif name.startswith(AUFS):
            return
        elif name.startswith(WHITEOUT):
            self._white_out(folder, name.removeprefix(WHITEOUT))
        elif entry.ischr() or entry.isblk():
            return  # a container's devices are made for it, in a /dev of its own
        else:
            self._make_folders(folder)
            self._make(archive, entry, path)

    def _make(self, archive: tarfile.TarFile, entry: tarfile.TarInfo, path: str) -> None:
        hidden = _clear(path, keep_folder=entry.isdir())
        if path in self._folders and not entry.isdir():
            self._forget(path)
        if entry.isdir():
            if not os.path.isdir(path):
                os.mkdir(path)
            if hidden:  # the folder below was removed, before this one was made
                os.setxattr(path, OVERLAY_OPAQUE, b"y")
            self._folders[path] = entry.mtime
        elif entry.issym():
            os.symlink(entry.linkname, path)
        elif entry.islnk():
            os.link(place(entry.linkname), path, follow_symlinks=False)
            return  # it has its file's attributes
        elif entry.isfifo():
            os.mkfifo(path)
        elif entry.isfile():
            source = archive.extractfile(entry)
            assert source is not None
            self._write(source, path)
        else:
            raise LayerError(f"{entry.name}: an entry of a kind that is not supported ({entry.type!r})")
        _attribute(entry, path)

    def _forget(self, folder: str) -> None:
        """Take note that a folder, and what was in it, is no more."""
        gone = [path for path in self._folders if path == folder or path.startswith(f"{folder}/")]
        for path in gone:
            del self._folders[path]

    def _write(self, source: object, path: str) -> None:
        fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            for chunk in _chunks(source):  # type: ignore[arg-type]
                self._room(len(chunk))
                self.size += len(chunk)
                file.write(chunk)

    def _make_folders(self, folder: str) -> None:
        """Make the folders of a path that the layer does not mention; a link in it is followed, below `/`."""
        at = ""
        for name in folder.strip("/").split("/") if folder != "/" else ():
            at += f"/{name}"
            try:
                mode = os.lstat(at).st_mode
            except FileNotFoundError:
                os.mkdir(at, 0o755)
                continue
            if stat.S_ISCHR(mode):  # whited out before
                os.unlink(at)
                os.mkdir(at, 0o755)
                os.setxattr(at, OVERLAY_OPAQUE, b"y")

    def _white_out(self, folder: str, name: str) -> None:
        """Hide what lower layers have at a place; where this one has something, just the rest of it."""
        if name in ("", ".", ".."):
            raise LayerError(f"{folder}/{WHITEOUT}{name}: a whiteout of nothing")
        self._make_folders(folder)
        path = os.path.join(folder, name)
        try:
            mode = os.lstat(path).st_mode
        except FileNotFoundError:
            os.mknod(path, stat.S_IFCHR, os.makedev(0, 0))
            return
        if stat.S_ISDIR(mode):
            os.setxattr(path, OVERLAY_OPAQUE, b"y")


def place(name: str) -> str:
    """Return where an entry of this name is, from `/`; raises LayerError for one that points elsewhere. Pure."""
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if ".." in parts:
        raise LayerError(f"{name}: leads out of the layer")
    if any(part.startswith(WHITEOUT) for part in parts[:-1]):
        raise LayerError(f"{name}: names that begin with {WHITEOUT} are for whiteouts")
    return "/" + "/".join(parts)


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    while chunk := source.read(CHUNK):
        yield chunk


def _clear(path: str, *, keep_folder: bool) -> bool:
    """Make way for an entry; returns whether it was a whiteout that went."""
    try:
        mode = os.lstat(path).st_mode
    except FileNotFoundError:
        return False
    if stat.S_ISDIR(mode):
        if not keep_folder and path != "/":
            trees.remove(path)
        return False
    os.unlink(path)
    return stat.S_ISCHR(mode)


def _attribute(entry: tarfile.TarInfo, path: str) -> None:
    os.chown(path, entry.uid, entry.gid, follow_symlinks=False)
    if not entry.issym():
        os.chmod(path, entry.mode & 0o7777)  # after the owner, whose change takes setuid away
    for key, value in entry.pax_headers.items():
        name = key.removeprefix(XATTR)
        if key.startswith(XATTR) and name.startswith(KEPT_XATTRS) and not name.startswith(LEFT_OUT_XATTRS):
            _set_xattr(path, name, value)
    if not entry.isdir():
        _stamp(path, entry.mtime)


def _set_xattr(path: str, name: str, value: str) -> None:
    try:
        os.setxattr(path, name, value.encode("utf-8", "surrogateescape"), follow_symlinks=False)
    except PermissionError:
        return  # `user.` is for files and folders only (xattr(7))


def _stamp(path: str, modified: float) -> None:
    try:
        os.utime(path, (modified, modified), follow_symlinks=False)
    except (FileNotFoundError, OverflowError):
        return  # gone again by a later entry; a time that no file system has
