"""Commits of one key, for tests."""

from __future__ import annotations

from collections.abc import Awaitable

from wherry.apiserver.storage.interface import Storage, Write


def put(store: Storage, key: str, value: bytes, expected: int) -> Awaitable[int]:
    """Write one key; see `Storage.commit`."""
    return store.commit([Write(key, value, expected)])


def delete(store: Storage, key: str, expected: int) -> Awaitable[int]:
    """Remove one key; see `Storage.commit`."""
    return store.commit([Write(key, None, expected)])
