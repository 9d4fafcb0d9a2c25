"""A store that keeps some of its values encrypted in another one."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress

from wherry.apiserver.storage.encryption.providers import SEALED, Identity, Provider
from wherry.apiserver.storage.encryption.rules import Rules
from wherry.apiserver.storage.interface import PAGE_LENGTH, Entry, LogEntry, Page, Storage, StorageError, Write

AS_IT_IS = (Identity(),)


class EncryptedStorage:
    """`inner`, with values encrypted as `rules` say for their rooms; `room_of` tells the room of a key.

    Without a rule it keeps everything as it is, and still refuses to take for a value what somebody has encrypted: a
    Secret whose key is missing is not damaged, and must not be put away as if it were.
    """

    def __init__(self, inner: Storage, rules: Rules, room_of: Callable[[str], str]):
        self.shared = inner.shared
        self._inner = inner
        self._rules = rules
        self._room_of = room_of
        self._history: int | None = None

    async def open(self) -> None:
        """Make the other store ready."""
        await self._inner.open()

    async def close(self) -> None:
        """Close the other store."""
        await self._inner.close()

    async def range(self, prefix: str = "", *, after: str = "", limit: int = PAGE_LENGTH) -> Page:
        """Return a page; raises `StorageError` for a value that no key opens."""
        page = await self._inner.range(prefix, after=after, limit=limit)
        if self._history is None:
            self._history = page.revision
        return page._replace(entries=[self._entry(entry) for entry in page.entries])

    async def revision(self) -> int:
        """Return the newest revision."""
        return await self._inner.revision()

    @property
    def problem(self) -> str | None:
        """Why commits fail at present, if they do."""
        return self._inner.problem

    def commit(self, writes: Sequence[Write]) -> Awaitable[int]:
        """Do all of `writes` or none."""
        return self._inner.commit([self._write(write) for write in writes])

    async def oldest(self) -> int:
        """Return the smallest `after` that `watch` still serves."""
        return await self._inner.oldest()

    async def watch(self, after: int) -> AsyncIterator[Sequence[LogEntry]]:
        """Yield what every commit did; raises `StorageError` once there is a new value that no key opens.

        What has been written over may be of a key that is gone: up to where the first range began, and of `previous`,
        such a value comes as it was kept, which no reader takes for an object.
        """
        async for batch in self._inner.watch(after):
            yield [self._logged(entry) for entry in batch]

    async def outdated(self, key: str) -> bool:
        """Return whether what is kept under `key` is not by the provider that writes now."""
        providers = self._providers(key)
        if not providers:
            return False
        found = (await self._inner.range(key, limit=1)).entries
        return bool(found) and found[0].key == key and not _is_of(providers[0], found[0].value)

    def seal(self, key: str, value: bytes) -> bytes:
        """Return what is kept in place of `value`; of what is encrypted already, that."""
        providers = self._providers(key)
        return providers[0].seal(key, value) if providers and not value.startswith(SEALED) else value

    def _providers(self, key: str) -> Sequence[Provider]:
        return self._rules.of(self._room_of(key)) if self._rules else ()

    def _write(self, write: Write) -> Write:
        return write if write.value is None else write._replace(value=self.seal(write.key, write.value))

    def _entry(self, entry: Entry) -> Entry:
        return entry._replace(value=self._opened(entry.key, entry.value)) if entry.intact else entry

    def _logged(self, entry: LogEntry) -> LogEntry:
        past = self._history is not None and entry.revision <= self._history
        read = self._opened_or_kept if past else self._opened
        return entry._replace(
            value=read(entry.key, entry.value) if entry.value is not None else None,
            previous=self._opened_or_kept(entry.key, entry.previous) if entry.previous is not None else None,
        )

    def _opened(self, key: str, value: bytes) -> bytes:
        for provider in self._providers(key) or AS_IT_IS:
            if _is_of(provider, value):
                with suppress(ValueError):  # another one may have a key of the same name
                    return provider.open(key, value)
        raise StorageError(_unreadable(key, value))

    def _opened_or_kept(self, key: str, value: bytes) -> bytes:
        try:
            return self._opened(key, value)
        except StorageError:
            return value


def _is_of(provider: Provider, value: bytes) -> bool:
    return value.startswith(provider.prefix) if provider.prefix else not value.startswith(SEALED)


def _unreadable(key: str, value: bytes) -> str:
    match value.split(b":", 5):
        case [b"k8s", b"enc", provider, _, name, _]:
            maker = f"key {name[:64].decode(errors='replace')} of {provider[:64].decode(errors='replace')}"
            return f"{key} is encrypted by {maker}; nothing in the encryption configuration opens it: put that key back"
    return f"{key} is not encrypted; the encryption configuration lacks the provider identity, which reads such: add it"
