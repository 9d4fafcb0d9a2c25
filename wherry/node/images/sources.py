"""Where an image comes from, of all the places there are.

    1. wherry's own components     a pattern for everything must not take the cluster's DNS away
    2. the user's image maps       whoever writes an entry wants it
    3. the store                   pulled before, put there by `wherry image`, or what Docker and Podman have here
    4. registries                  but for names of the built-in map, unless --registries has mirrors for theirs
    5. the built-in map            what tutorials run, when no registry gives it

What was put into the store by hand is used for policy Always as well: whoever did so wants it, and no registry has it.
What Docker or Podman have stands in for what no registry gives, whatever was built or tagged there.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from wherry.images.errors import PullError
from wherry.images.reference import Reference
from wherry.node.images.imagemap import BUILTIN, COMPONENTS, ImageMap
from wherry.node.images.machineroot import MachineRoot
from wherry.node.images.pulls import Pulls
from wherry.node.images.source import Image, Wish, parsed

log = logging.getLogger(__name__)


class Sources:
    """An `ImageSource` made of maps and, but in tests of maps, of `pulls`."""

    def __init__(self, maps: Sequence[Path] = (), root: MachineRoot = MachineRoot(), pulls: Pulls | None = None):  # noqa: B008
        self._asked = ImageMap([COMPONENTS, *maps], root)
        self._builtin = ImageMap([BUILTIN], root)
        self._pulls = pulls

    async def pull(self, wish: Wish) -> Image:
        """See `ImageSource.pull`."""
        reference = parsed(wish.reference)
        if image := self._asked.find(reference, wish.reference):
            return image
        builtin = self._builtin.find(reference, wish.reference)
        if self._pulls is None:
            return builtin or _absent(wish)
        return await self._of_registries(self._pulls, reference, wish, builtin)

    async def _of_registries(self, pulls: Pulls, reference: Reference, wish: Wish, builtin: Image | None) -> Image:
        here, asks = (
            await pulls.present(reference, wish),
            builtin is None or pulls.registries.mirror(reference.registry),
        )
        if here and (here.local or wish.policy != "Always" or not asks):
            return here.image
        if wish.policy == "Never" or not asks:
            return builtin or _absent(wish)
        try:
            return await pulls.pull(reference, wish)
        except PullError as error:
            stand_in, what = (
                (here.image, "this machine's own") if here and here.machine else (builtin, "the built-in map")
            )
            if stand_in is None:
                raise
            log.info("%s stands in: image=%s error=%s", what, wish.reference, error)
            return stand_in


def _absent(wish: Wish) -> Image:
    if wish.policy == "Never":
        text = f'Container image "{wish.reference}" is not present with pull policy of Never'
        raise PullError(text, "ErrImageNeverPull")
    raise PullError(
        f'image "{wish.reference}" is in no image map, and this node asks no registry: '
        "add it to a file given with --image-map"
    )
