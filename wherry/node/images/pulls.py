"""Images with files of their own, from the store that the nodes share, and from registries into it."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from wherry.images import machinestores
from wherry.images.credentials import Credential, Keyring, merged, of_this_machine
from wherry.images.manifest import Settings
from wherry.images.pull import Puller
from wherry.images.reference import Reference
from wherry.images.registries import Registries
from wherry.images.registry.network import Vantage
from wherry.images.store.names import EVERYBODY, Named
from wherry.images.store.store import Content, Store
from wherry.node.images.source import Image, Wish

AT_ONCE = 3
"""How many images a node fetches at the same time; others wait (the kubelet's maxParallelImagePulls)."""

Key = tuple[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Present:
    """An image that is here; `local`: it was put here by hand; `machine`: it is one of Docker's or Podman's."""

    image: Image
    local: bool
    machine: bool = False


class Pulls:
    """The images of `store`, as containers ask for them. However many ask for one, it is fetched once.

    `places`: where this machine has others, which are looked at each time, so that what was built last is what runs.
    """

    def __init__(
        self, store: Store, registries: Registries, vantage: Vantage, places: Sequence[machinestores.Place] = ()
    ):
        self.store = store
        self._places = places
        self._bringing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.registries = registries
        self._vantage = vantage
        self._under_way: dict[Key, asyncio.Task[Content]] = {}
        self._waiting: dict[Key, int] = {}
        self._turns = asyncio.Semaphore(AT_ONCE)

    async def present(self, reference: Reference, wish: Wish) -> Present | None:
        """Return the image if it is here and who asks may have it.

        One that was fetched with a Secret is for who has it too: others ask the registry (KEP-2535).
        Raises PullError where the machine has it and does not give it.
        """
        async with self._bringing[reference.full]:
            await machinestores.bring(self.store, self._places, reference)
        content = await asyncio.to_thread(self.store.find, reference.full)
        if content is None or not may_use(content.named, wish.keyrings, reference):
            return None
        await asyncio.to_thread(self.store.names.touch, reference.full)
        return Present(image_of(wish.reference, reference, content), content.named.local, content.named.machine)

    async def pull(self, reference: Reference, wish: Wish) -> Image:
        """Return what the registry has now. Raises PullError."""
        wish.telling()
        own = merged(wish.keyrings).find(reference.registry, reference.repository)
        key = (reference.full, frozenset(credential.mark for credential in own))
        async with self._shared(key, reference, wish.keyrings) as task:
            content = await asyncio.shield(task)
        return image_of(wish.reference, reference, content)

    @asynccontextmanager
    async def _shared(
        self, key: Key, reference: Reference, keyrings: Sequence[Keyring]
    ) -> AsyncIterator[asyncio.Task[Content]]:
        """Have the pull under way while the body waits for it; it ends with the last that waits."""
        task = self._under_way.get(key)
        if task is None:
            task = self._under_way[key] = asyncio.create_task(self._fetch(reference, keyrings))
        self._waiting[key] = self._waiting.get(key, 0) + 1
        try:
            yield task
        finally:
            self._waiting[key] -= 1
            if task.done() or not self._waiting[key]:
                task.cancel()
                if self._under_way.get(key) is task:
                    del self._under_way[key]
            if not self._waiting[key]:
                del self._waiting[key]

    async def _fetch(self, reference: Reference, keyrings: Sequence[Keyring]) -> Content:
        async with self._turns, self._vantage.session() as session:
            return await Puller(self.store, self.registries, session, of_this_machine).pull(reference, keyrings)


def may_use(named: Named, keyrings: Sequence[Keyring], reference: Reference) -> bool:
    """Tell whether an image that is here is for who has these credentials. Pure."""
    own: list[Credential] = merged(keyrings).find(reference.registry, reference.repository)
    return bool({EVERYBODY, *(credential.mark for credential in own)} & set(named.access))


def image_of(text: str, reference: Reference, content: Content) -> Image:
    """Return the image that containers are made of. Pure."""
    named, settings = content.named, content.config.config or Settings()
    return Image(
        reference=text,
        id=named.image if named.local or named.machine else reference.at(named.digest),
        command=tuple(settings.entrypoint or ()),
        args=tuple(settings.cmd or ()),
        working_dir=settings.working_dir or "/",
        env=_environment(settings.env or ()),
        user=settings.user or "",
        layers=content.layers,
        volumes=tuple(sorted(settings.volumes or ())),
        stop_signal=settings.stop_signal or "SIGTERM",
        content=named.manifest,
        size=named.size,
    )


def _environment(entries: Sequence[str]) -> Mapping[str, str]:
    return dict(entry.partition("=")[::2] for entry in entries)
