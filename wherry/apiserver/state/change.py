"""One write to one object, as watchers see it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from functools import cached_property

import msgspec

from wherry.apiserver.kind import Kind
from wherry.apiserver.storage.interface import Entry, LogEntry
from wherry.objects import Object, schema
from wherry.objects.errors import BadRequest
from wherry.objects.resource import Resource
from wherry.objects.verbs import EventType

Key = tuple[str, str]
"""(namespace, name) of an object; the namespace is "" for cluster-scoped kinds."""


class Encodings:
    """What was made last, up to `most` bytes: watchers ask for the same change within moments of each other."""

    def __init__(self, most: int):
        self._most = most
        self._made: OrderedDict[Hashable, bytes] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable, make: Callable[[], bytes]) -> bytes:
        """Return what is kept under `key`, else what `make` makes."""
        data = self._made.get(key)
        if data is None:
            data = self._made[key] = make()
            self._bytes += len(data)
            while self._bytes > self._most:
                _, oldest = self._made.popitem(last=False)
                self._bytes -= len(oldest)
        return data


_encoded = Encodings(4 * 1024 * 1024)


class Change:
    """The object before (`old`, None: created) and after (`new`, None: deleted) the write of `revision`.

    `size` is about how much it takes to keep, in bytes of what is stored. `encoded` keeps for a while what was made of
    the change for one watcher, so that it is made once for all of them.
    """

    def __init__(self, revision: int, key: Key, old: Object | None, new: Object | None, size: int = 0):
        self.revision = revision
        self.key = key
        self.old = old
        self.new = new
        self.size = size

    def event(self, matches: Callable[[Object], bool]) -> tuple[EventType, Object] | None:
        """Return what a watcher that sees only what `matches` is told: an object enters, stays, leaves, or nothing.

        Source: apiserver pkg/storage/cacher (the old state is what decides between ADDED and MODIFIED).
        """
        old, new = self.old, self.new
        was = old is not None and matches(old)
        if new is not None and matches(new):
            return ("MODIFIED" if was else "ADDED"), new
        return ("DELETED", self.gone) if was else None

    @cached_property
    def gone(self) -> Object:
        """The last state of an object that left, carrying the version of its leaving."""
        assert self.old is not None
        return gone(self.old, self.revision)

    def encoded(self, form: Hashable, encode: Callable[[], bytes]) -> bytes:
        """Return the bytes of this change in `form`, calling `encode` if nobody has asked for that form lately."""
        return _encoded.get((self, form), encode)


class LoggedChange(Change):
    """A change from before this process started, decoded only if a watch goes back that far."""

    def __init__(self, entry: LogEntry, key: Key, kind: Kind):
        self.revision = entry.revision
        self.key = key
        self._kind = kind
        self.size = len(entry.value or entry.previous or b"")  # what was before is what an earlier change has
        self._entry = entry

    @cached_property
    def old(self) -> Object | None:  # type: ignore[override]
        """See `Change`; its version is unknown, and nobody is shown it: events carry `new` or `gone`."""
        return self._read(self._entry.previous, 0)

    @cached_property
    def new(self) -> Object | None:  # type: ignore[override]
        """See `Change`."""
        return self._read(self._entry.value, self.revision)

    def _read(self, value: bytes | None, revision: int) -> Object | None:
        """Return a logged object; one that cannot be read is set aside by now, and counts as not there."""
        try:
            return read(Entry(self._entry.key, value, revision), self._kind) if value is not None else None
        except ValueError:
            return None


def gone(obj: Object, revision: int) -> Object:
    """Return the last state of an object that was removed at `revision`."""
    return {**obj, "metadata": {**obj["metadata"], "resourceVersion": str(revision)}}


def encode(obj: Object) -> bytes:
    """Return what is stored of an object: everything but its version, which the store keeps."""
    metadata = {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}
    return msgspec.json.encode({**obj, "metadata": metadata})


def read(entry: Entry, kind: Kind) -> Object:
    """Return the object of a stored entry, with its version, as `kind` carries it.

    Whoever wrote it: what is here passes as what a client sends does, so that no reader meets a value of a type that
    it cannot be. Raises `ValueError` when it is not what was stored, not of that kind, or not of that name.
    """
    if not entry.intact:
        raise ValueError("its bytes are not those that were written")
    obj = _typed(entry.value, kind)
    metadata = obj["metadata"]
    if entry.key.split("/")[3:] != [metadata.get("namespace", ""), metadata.get("name")]:
        raise ValueError("its name is not that of its key")
    metadata["resourceVersion"] = str(entry.revision)
    return obj


def _typed(value: bytes, kind: Kind) -> Object:
    try:
        obj = msgspec.json.decode(value)
        resource = _resource(obj, kind)
        obj, _ = schema.typed(obj, (resource.group, resource.version, resource.kind), kind.type_of(resource))
    except (BadRequest, RecursionError) as error:
        raise ValueError(f"it is no {kind.kind}: {error}") from error
    if (obj.get("apiVersion"), obj.get("kind")) != (resource.api_version, resource.kind):
        raise ValueError(f"it is no {resource.kind} of {resource.api_version}")
    if not obj.get("metadata", {}).get("uid"):
        raise ValueError("it has no uid: no server made it")
    return obj


def _resource(obj: Object, kind: Kind) -> Resource:
    """Return what a stored object is: of custom resources, that of the version it was written in."""
    group, _, version = str(obj.get("apiVersion") if isinstance(obj, dict) else "").rpartition("/")
    if kind.converter is None or group != kind.resource.group or not version:
        return kind.resource
    return replace(kind.resource, version=version)
