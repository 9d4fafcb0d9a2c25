"""Which clusters there are and where each keeps its files: made by the first `up`, forgotten by `down --purge`.

A cluster lives in the XDG data directory under its name. Where `--data-dir` put it elsewhere, a link of that name
leads there, so that the option need be given only once.
"""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from wherry.cluster import files
from wherry.cluster.config import ConfigError
from wherry.cluster.paths import Paths, data_home
from wherry.images import trees

BEFORE_CONFIG = {".lock", "pki"}
"""What a first `up` that was killed may have left before `cluster.json`."""


def known() -> list[str]:
    """Return the names of the clusters that have a data directory."""
    home = data_home()
    return sorted(p.name for p in home.iterdir() if (p / "cluster.json").is_file()) if home.is_dir() else []


def locate(name: str, data_dir: str | None) -> Paths:
    """Return the paths of cluster `name`; raises ConfigError when it already lives elsewhere than `data_dir`."""
    link = data_home() / name
    if data_dir is None:
        return Paths(files.real(link))
    wanted = files.real(Path(data_dir) / name)
    if link.exists() and files.real(link) != wanted:
        raise ConfigError(
            f"--data-dir: cluster {name} lives in {files.real(link)}; `wherry down --name {name} --purge` forgets it"
        )
    return Paths(wanted)


@contextmanager
def prepared(name: str, paths: Paths) -> Iterator[None]:
    """Have the data directory for the body, which puts a cluster in it; without one, what was made goes again.

    Raises ConfigError when it cannot be made, or holds somebody else's files (which `down --purge` would delete).
    """
    made = not paths.data.exists()
    try:
        paths.data.mkdir(parents=True, exist_ok=True, mode=0o700)
        strangers = {p.name for p in paths.data.iterdir()} - BEFORE_CONFIG
    except OSError as error:
        raise ConfigError(f"--data-dir: cannot keep cluster {name} in {paths.data}: {error.strerror}") from error
    if strangers and not paths.config.exists():
        raise ConfigError(f"--data-dir: {paths.data} holds other files ({min(strangers)}); choose an empty directory")
    try:
        yield
    finally:
        if paths.config.exists():
            _link(name, paths)
        elif made:
            trees.remove(paths.data)


def _link(name: str, paths: Paths) -> None:
    link = data_home() / name
    if paths.data != files.real(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.unlink(missing_ok=True)  # one that leads nowhere any more
        link.symlink_to(paths.data)


def purge(name: str, paths: Paths) -> None:
    """Forget a cluster: its files, and the link to them."""
    link = data_home() / name
    if paths.data.is_dir():
        trees.remove(paths.data)
    if link.is_symlink():
        link.unlink()


@contextmanager
def lock(paths: Paths, progress: Callable[[str], None]) -> Iterator[None]:
    """One `up` or `down` of a cluster at a time; `progress` is told when another one has to end first."""
    with (paths.data / ".lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            progress("waiting for another `wherry up` or `wherry down` of this cluster")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
