"""What is served: every kind under every group and version, and how objects are translated between versions.

Kinds come and go while the server runs. Whatever is made from the set of kinds is made when it is asked for, and again
when `generation` has grown since. Nobody is told of a change but those who must be ready *before* a kind is served or
tidy up after it (`Follower`), and those who wait for the next one (`changed`).
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from wherry.apiserver.kind import Described, Kind
from wherry.objects import Object
from wherry.objects.errors import FieldError, Invalid, NotFound
from wherry.objects.resource import Resource


def unknown_path() -> NotFound:
    """Return the error for a URL that names nothing here."""
    return NotFound("the server could not find the requested resource")


REPEATING = "extensions"
"""The group that only repeats what others serve."""

_STAGES = {None: 2, "beta": 1, "alpha": 0}


def preference(resource: Resource) -> tuple[bool, int, int, int]:
    """Return what sorts the versions of a resource, those first that clients shall prefer.

    Source: apimachinery pkg/version (CompareKubeAwareVersionStrings).
    """
    stage, major, minor = -1, 0, 0
    if match := re.fullmatch(r"v(\d+)(?:(alpha|beta)(\d+))?", resource.version):
        stage, major, minor = _STAGES[match[2]], int(match[1]), int(match[3] or 0)
    return resource.group == REPEATING, -stage, -major, -minor


@dataclass(frozen=True, eq=False)
class Served:
    """One kind in one of its versions: what a URL names."""

    kind: Kind
    resource: Resource

    @property
    def type(self) -> Described | None:
        """What its objects look like; None: nobody says, and anything goes."""
        return self.kind.type_of(self.resource)

    @property
    def is_storage(self) -> bool:
        """Whether this is the version objects are kept in."""
        return self.resource == self.kind.resource

    async def ready(self, objects: Sequence[Object]) -> None:
        """See to it that stored `objects` can be shown in this version; raises `ApiError`."""
        if self.kind.converter is not None:
            await self.kind.converter.ready(objects, self.resource.api_version)

    def from_storage(self, obj: Object) -> Object:
        """Return a stored object, which is `ready`, in this version (the very object where that is the stored one)."""
        if obj["apiVersion"] == self.resource.api_version:
            return obj
        if self.kind.converter is not None:
            return self.kind.converter.convert(obj, self.resource.api_version)
        conversion = self.kind.conversions.get((self.resource.group, self.resource.version))
        return {**(conversion.from_storage(obj) if conversion else obj), "apiVersion": self.resource.api_version}

    def hub(self, obj: Object) -> Object:
        """Return a stored object, which is `ready`, in the version that hooks work on."""
        return obj if self.kind.converter is None else self.from_storage(obj)

    def to_hub(self, obj: Object) -> Object:
        """Return an object of this version in the one that hooks work on (the very object where they are one)."""
        if self.kind.converter is not None or self.is_storage:
            return obj
        conversion = self.kind.conversions.get((self.resource.group, self.resource.version))
        return {**(conversion.to_storage(obj) if conversion else obj), "apiVersion": self.kind.resource.api_version}

    def invalid(self, name: str, errors: Sequence[FieldError]) -> Invalid:
        """Return the error for object `name`, of which `errors` (in storage version) are true."""
        conversion = self.kind.conversions.get((self.resource.group, self.resource.version))
        if conversion is not None:
            errors = [conversion.error(error) for error in errors]
        return Invalid.of(self.kind.kind, name, errors, self.kind.resource.group)


class AlreadyServed(ValueError):
    """A kind cannot be added: its name, or one of its URL paths, is another's."""


class Follower(Protocol):
    """Who has something to do for a kind before it is served, and after."""

    async def opening(self, kind: Kind) -> None:
        """Get ready for requests about `kind`; what is raised here keeps it from being served."""
        ...

    async def replaced(self, old: Kind, new: Kind) -> None:
        """Take `new` for `old`, whose objects it has; who watches them begins again."""
        ...

    async def closed(self, kind: Kind) -> None:
        """Let go of `kind`, however far `opening` came: no new request finds it."""
        ...


class Catalog:
    """The served kinds by URL path, by kind, and by group. `generation` counts the changes."""

    def __init__(self, kinds: Iterable[Kind] = ()):
        self.generation = 0
        self._kinds: dict[Kind, None] = {}
        self._served: dict[tuple[str, str, str], Served] = {}
        self._by_plural: dict[tuple[str, str], Kind] = {}
        self._followers: list[Follower] = []
        self._one_by_one = asyncio.Lock()
        self._next = asyncio.Event()
        for kind in kinds:
            self._check(kind)
            self._put(kind)

    def __iter__(self) -> Iterator[Served]:
        return iter(list(self._served.values()))

    @property
    def kinds(self) -> Sequence[Kind]:
        """The served kinds, in the order in which they were added."""
        return tuple(self._kinds)

    # What changes it

    def subscribe(self, follower: Follower) -> None:
        """Have `follower` told of every kind that is added or removed from now on."""
        self._followers.append(follower)

    async def add(self, kind: Kind) -> None:
        """Serve `kind`, with whatever objects of it are stored, from the moment this returns.

        Raises `AlreadyServed`, or what a follower raises (`StorageError`); then nothing has changed.
        """
        async with self._one_by_one:
            self._check(kind)
            try:
                for follower in self._followers:
                    await follower.opening(kind)
            except BaseException:
                await self._close(kind)
                raise
            self._put(kind)
            self._wake()

    async def replace(self, old: Kind, new: Kind) -> None:
        """Serve `new` in the place of `old`, which has the same objects; there is no moment without either.

        Raises `AlreadyServed`; then nothing has changed. `KeyError` when `old` is not served.
        """
        async with self._one_by_one:
            self._take(old)
            try:
                self._check(new)
            except AlreadyServed:
                self._put(old)
                raise
            self._put(new)
            self._wake()
            for follower in self._followers:
                await follower.replaced(old, new)

    async def remove(self, kind: Kind) -> None:
        """Serve `kind` no more: its URLs are unknown and its watches end. Its stored objects stay stored.

        Raises `KeyError` when it is not served.
        """
        async with self._one_by_one:
            self._take(kind)
            self._wake()
            await self._close(kind)

    async def changed(self, generation: int) -> None:
        """Return once `generation` is no longer the current one."""
        while self.generation == generation:
            await self._next.wait()

    async def _close(self, kind: Kind) -> None:
        for follower in reversed(self._followers):
            await follower.closed(kind)

    def _check(self, kind: Kind) -> None:
        for resource in kind.resources:
            for other in self._served.values():
                if resource.group == other.resource.group and kind.kind == other.kind.kind:
                    raise AlreadyServed(f"{kind.kind} of group {resource.group!r} is served already")
            if (resource.group, kind.plural) in self._by_plural:
                raise AlreadyServed(f"{resource.group_resource} is served already")

    def _take(self, kind: Kind) -> None:
        del self._kinds[kind]
        for resource in kind.resources:
            self._served.pop((resource.group, resource.version, resource.plural), None)
            self._by_plural.pop((resource.group, resource.plural), None)

    def _put(self, kind: Kind) -> None:
        self._kinds[kind] = None
        for resource in kind.resources:
            if kind.converter is not None and (resource.group, resource.version) not in kind.variants:
                continue  # stored, and not served
            served = Served(kind.variants.get((resource.group, resource.version), kind), resource)
            self._served[resource.group, resource.version, resource.plural] = served
            self._by_plural[resource.group, resource.plural] = kind

    def _wake(self) -> None:
        self.generation += 1
        self._next.set()
        self._next = asyncio.Event()

    # What is read from it

    def find(self, group: str, version: str, plural: str) -> Served | None:
        """Return what `/apis/GROUP/VERSION/PLURAL` names, or None."""
        return self._served.get((group, version, plural))

    def of(self, resource: Resource) -> Served:
        """Return what serves `resource`; raises `NotFound`."""
        found = self.find(resource.group, resource.version, resource.plural)
        if found is None:
            raise unknown_path()
        return found

    def served(self, kind: Kind) -> Served:
        """Return `kind` in one of the versions it is served in; raises `NotFound`."""
        return self.of(next((r for r in kind.resources if self.find(r.group, r.version, r.plural)), kind.resource))

    def preferred(self) -> list[Resource]:
        """Return every kind once, under the group and version that clients shall prefer."""
        served = ([r for r in kind.resources if self.find(r.group, r.version, r.plural)] for kind in self._kinds)
        return [min(resources, key=preference) for resources in served if resources]

    def kind(self, group: str, plural: str) -> Kind | None:
        """Return the kind of a group and plural, whatever the version."""
        return self._by_plural.get((group, plural))
