"""Commits: what a writer wants to be of several objects at once, and what is under way of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from wherry.apiserver.kind import Kind
from wherry.apiserver.state import rooms
from wherry.apiserver.state.change import Key
from wherry.apiserver.storage.interface import LogEntry, Write
from wherry.objects import Object


class Edit(NamedTuple):
    """One object of a commit: what is to be at `key`, None for nothing. `new` is the commit's own from then on."""

    kind: Kind
    key: Key
    new: Object | None

    @property
    def path(self) -> str:
        """The stored key."""
        return rooms.path(self.kind.resource, self.key)


@dataclass(slots=True, eq=False)
class Commit:
    """A commit that is submitted and not yet durable. `done` yields its revision, once what it did can be read."""

    writes: Sequence[Write]
    done: asyncio.Future[int]

    def is_(self, entries: Sequence[LogEntry]) -> bool:
        """Return whether the entries of one revision are this commit, or say the very same."""
        return {write.key: write.value for write in self.writes} == {entry.key: entry.value for entry in entries}


class Pending(NamedTuple):
    """One object of a commit under way."""

    new: Object | None
    commit: Commit
