"""An image is built of a Containerfile by buildah, and loaded: what it makes is an archive like any other.

What buildah keeps between builds, base images and the layers of each step, is in a folder of its own in the store's,
so that it goes with the cluster.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from wherry.images.archive.load import load, parsed
from wherry.images.errors import PullError
from wherry.images.store.names import Named
from wherry.images.store.store import Store

PROGRAM = "buildah"
PRIVATELY = ("unshare", "--mount", "--")
"""In a mount namespace of its own: buildah leaves its folder mounted on itself, which nobody could remove then."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to build. `file`: the Containerfile, None for the context's; `arguments`: NAME=VALUE, for its ARGs."""

    context: Path
    name: str
    file: Path | None = None
    target: str = ""
    arguments: Sequence[str] = ()


def command(recipe: Recipe, buildah: str, root: Path) -> list[str]:
    """Return what builds, as buildah is asked. Pure.

    Its steps run locked into their files (chroot) and in the machine's network, as a container runtime's would need one
    of their own. Overlay needs no more than the nodes do.
    """
    told = [f"--file={recipe.file}"] if recipe.file else []
    told += [f"--target={recipe.target}"] if recipe.target else []
    told += [f"--build-arg={one}" for one in recipe.arguments]
    return [
        *(*PRIVATELY, buildah, f"--root={root}/kept", f"--runroot={root}/run", "--storage-driver=overlay"),
        *("build", "--isolation=chroot", "--layers", f"--tag={recipe.name}", *told, str(recipe.context)),
    ]


async def build(store: Store, recipe: Recipe) -> list[Named]:
    """Build an image and put it into the store; buildah tells on standard error how it goes. Raises PullError."""
    name = parsed(recipe.name)
    buildah = shutil.which(PROGRAM, path=f"{os.environ.get('PATH', '')}:/usr/bin")
    if buildah is None:
        raise PullError(f"building needs {PROGRAM}, which is not installed: `apt-get install {PROGRAM}`")
    root = store.root / "build"
    root.mkdir(exist_ok=True, mode=0o700)
    _run(command(recipe, buildah, root), "its build failed")
    with tempfile.TemporaryDirectory(dir=store.root / "scratch") as folder:
        archive = Path(folder) / "image.tar"
        push = [
            *PRIVATELY,
            buildah,
            f"--root={root}/kept",
            f"--runroot={root}/run",
            "--storage-driver=overlay",
            "push",
            "--quiet",
        ]
        _run([*push, recipe.name, f"oci-archive:{archive}"], "what was built cannot be read")
        return await load(store, archive, name.full)


def _run(words: Sequence[str], what: str) -> None:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=2)
    if done.returncode:
        raise PullError(f"{what}: buildah ended with {done.returncode}")
