"""The file of the API objects, and the objects that were set aside."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from wherry.apiserver.kinds import KINDS
from wherry.apiserver.registry.audit import problem
from wherry.apiserver.state import aside, rooms
from wherry.apiserver.state.change import read
from wherry.apiserver.storage.encryption import configuration
from wherry.apiserver.storage.encryption.configuration import EncryptionError
from wherry.apiserver.storage.encryption.rules import Rules
from wherry.apiserver.storage.encryption.store import EncryptedStorage
from wherry.apiserver.storage.interface import Damaged, Entry, StorageError
from wherry.apiserver.storage.sqlite import salvage
from wherry.apiserver.storage.sqlite.store import SqliteStorage
from wherry.cluster import store
from wherry.cluster.config import SQLITE, ClusterConfig
from wherry.cluster.doctor.finding import Finding
from wherry.cluster.errors import ClusterError
from wherry.cluster.paths import Paths

SHOWN = 5
_KINDS = {rooms.room(kind.resource): kind for kind in KINDS}


def examine(name: str, paths: Paths, config: ClusterConfig | None, *, is_running: bool) -> Iterator[Finding]:
    """Yield what is found of the store; of one in use, only what was set aside."""
    subject = f"store {paths.state}"
    if config is not None and config.store != SQLITE:
        yield _examine_etcd(config)
    elif is_running:
        yield Finding(subject, said="in use: it is looked into when the cluster is down")
    elif not paths.state.exists() and not paths.state.with_name(f"{paths.state.name}-wal").exists():
        yield Finding(subject, said="not there: the cluster starts without an object")
    else:
        yield _examine(subject, name, paths, store.encryption(config, paths) if config is not None else None)
    folder = aside.beside(paths.state)
    for file in aside.files(folder):
        since = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC).isoformat(timespec="seconds")
        yield Finding(
            f"object {file.relative_to(folder)}",
            f"what was stored is damaged; set aside at {since}",
            f"put right what is in {file} and create it anew, or remove that file",
        )


def _examine_etcd(config: ClusterConfig) -> Finding:
    subject = f"store {config.store}"
    try:
        store.check(config)
    except ClusterError as error:
        return Finding(subject, str(error), "start that etcd, or `wherry down --purge` the cluster")
    return Finding(subject, said="answers")


def _examine(subject: str, name: str, paths: Paths, encryption: Path | None) -> Finding:
    try:
        rules = configuration.load(encryption) if encryption and encryption.exists() else Rules()
        found = asyncio.run(_read(SqliteStorage(paths.state, busy_seconds=0.5), rules))
    except EncryptionError as error:
        return Finding(subject, f"what is encrypted cannot be read: {error}", "put that file right")
    except Damaged as error:
        return Finding(subject, str(error), _way_out(name, paths))
    except StorageError as error:
        return Finding(subject, str(error))
    if found.damaged:
        what = f"{len(found.damaged)} of {found.count} objects are damaged: {', '.join(found.damaged[:SHOWN])}"
        return Finding(subject, what, "`wherry up` sets them aside and serves the others")
    if found.invalid:
        what = f"{len(found.invalid)} of {found.count} objects are not valid: {', '.join(found.invalid[:SHOWN])}"
        return Finding(subject, what, "`wherry up` serves them as they are: put them right, or delete them, then")
    return Finding(subject, said=f"good, {found.count} objects")


def _way_out(name: str, paths: Paths) -> str:
    if salvage.promises(paths.state):
        return f"`wherry doctor --name {name} --salvage` keeps every object that can be read"
    return f"no object can be read: put a copy of {paths.state.name} back, or `wherry down --name {name} --purge`"


@dataclass
class _Found:
    """How many entries there are, the keys of those that cannot be read, and of those that are not valid, with why."""

    count: int = 0
    damaged: list[str] = field(default_factory=list)
    invalid: list[str] = field(default_factory=list)

    def look_at(self, entry: Entry) -> None:
        self.count += 1
        kind = _KINDS.get(rooms.of(entry.key))
        try:
            if kind is not None and (why := problem(read(entry, kind), kind)):
                self.invalid.append(f"{entry.key} ({why})")
        except ValueError as error:
            self.damaged.append(f"{entry.key} ({error})")


async def _read(storage: SqliteStorage, rules: Rules) -> _Found:
    readable = EncryptedStorage(storage, rules, rooms.of)
    await storage.open()
    found, after, more = _Found(), "", True
    try:
        await storage.check()
        while more:
            entries, _, more = await readable.range(after=after)
            for entry in entries:
                found.look_at(entry)
            after = entries[-1].key if entries else ""
    finally:
        await storage.close()
    return found
