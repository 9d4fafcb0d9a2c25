"""Whose account a user's name or number is: of this machine, or of an image that has files of its own.

An image's /etc/passwd and /etc/group are looked for as an overlay would show them, but no link is followed: they are
anybody's, and read with root's eyes.
"""

from __future__ import annotations

import errno
import grp
import os
import pwd
import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from wherry.node import beneath

LARGEST = 1 << 20
OPAQUE = "trusted.overlay.opaque"


@dataclass(frozen=True, slots=True)
class Account:
    """A line of passwd(5)."""

    name: str
    uid: int
    gid: int
    home: str = "/"


class Accounts(Protocol):
    """A user database. Names and numbers are text, as images and manifests write them."""

    def user(self, user: str) -> Account | None:
        """Return the account of a name or a number."""
        ...

    def group(self, name: str) -> int | None:
        """Return a group's number."""
        ...

    def groups(self, name: str) -> list[int]:
        """Return the numbers of the groups that list a user's name."""
        ...


class OfThisMachine:
    """The machine's own, with whatever its name service adds."""

    def user(self, user: str) -> Account | None:
        """See `Accounts`."""
        try:
            entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
        except (KeyError, OverflowError):
            return None
        return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir)

    def group(self, name: str) -> int | None:
        """See `Accounts`."""
        try:
            return grp.getgrnam(name).gr_gid
        except KeyError:
            return None

    def groups(self, name: str) -> list[int]:
        """See `Accounts`."""
        return [entry.gr_gid for entry in grp.getgrall() if name in entry.gr_mem]


class OfFiles:
    """Those of a passwd and a group file. Pure."""

    def __init__(self, passwd: str = "", group: str = ""):
        self._users = [_account(fields) for fields in _fields(passwd, 6)]
        self._groups = [(fields[0], fields[2], fields[3].split(",")) for fields in _fields(group, 4)]

    def user(self, user: str) -> Account | None:
        """See `Accounts`."""
        by_number = int(user) if user.isdigit() else None
        return next((one for one in self._users if one and (one.name == user or one.uid == by_number)), None)

    def group(self, name: str) -> int | None:
        """See `Accounts`."""
        return next((int(gid) for known, gid, _ in self._groups if known == name and gid.isdigit()), None)

    def groups(self, name: str) -> list[int]:
        """See `Accounts`."""
        return [int(gid) for _, gid, members in self._groups if name in members and gid.isdigit()]


def _fields(text: str, count: int) -> Iterable[list[str]]:
    lines = (line.split(":") for line in text.splitlines() if not line.startswith("#"))
    return (fields for fields in lines if len(fields) >= count)


def _account(fields: Sequence[str]) -> Account | None:
    name, _, uid, gid, _, home = fields[:6]
    return Account(name, int(uid), int(gid), home) if uid.isdigit() and gid.isdigit() else None


def of_layers(layers: Sequence[Path]) -> OfFiles:
    """Return the accounts of an image by its layers, the topmost first. Blocks."""
    return OfFiles(*(read_merged(layers, "etc", name) for name in ("passwd", "group")))


def read_merged(layers: Sequence[Path], folder: str, name: str) -> str:
    """Return the text of a file as an overlay of `layers` shows it, "" where it shows none. Blocks."""
    for layer in layers:
        try:
            text, last = _look(layer, folder, name)
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENOTDIR):
                return ""  # a link, or a file where the folder was
            raise
        if text is not None:
            return text
        if last:
            return ""
    return ""


def _look(layer: Path, folder: str, name: str) -> tuple[str | None, bool]:
    """Return the file's text in one layer, None where that has none, and whether it hides those below."""
    root = os.open(layer, os.O_PATH | os.O_DIRECTORY)
    try:
        above = beneath.plain(root, folder, os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return None, False
    finally:
        os.close(root)
    try:
        opaque = OPAQUE in os.listxattr(above)
        fd = beneath.plain(above, name, os.O_RDONLY | os.O_NONBLOCK)
    except FileNotFoundError:
        return None, opaque
    except OSError as error:
        if error.errno == errno.ENXIO:  # a whiteout is a device that no driver has
            return None, True
        raise
    finally:
        os.close(above)
    with os.fdopen(fd, "rb") as file:
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            return None, True
        return file.read(LARGEST).decode(errors="replace"), True
