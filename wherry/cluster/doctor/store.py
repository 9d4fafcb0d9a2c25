"""The file of the API objects, and the objects that were set aside."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Iterator

from wherry.apiserver.state import aside
from wherry.apiserver.storage.interface import Damaged, StorageError
from wherry.apiserver.storage.sqlite import salvage
from wherry.apiserver.storage.sqlite.store import SqliteStorage
from wherry.cluster.doctor.finding import Finding
from wherry.cluster.paths import Paths


def examine(name: str, paths: Paths, *, is_running: bool) -> Iterator[Finding]:
    """Yield what is found of the store; of one in use, only what was set aside."""
    subject = f"store {paths.state}"
    if is_running:
        yield Finding(subject, said="in use: it is looked into when the cluster is down")
    elif not paths.state.exists() and not paths.state.with_name(f"{paths.state.name}-wal").exists():
        yield Finding(subject, said="not there: the cluster starts without an object")
    else:
        yield _examine(subject, name, paths)
    folder = aside.beside(paths.state)
    for file in aside.files(folder):
        since = datetime.datetime.fromtimestamp(file.stat().st_mtime, datetime.UTC).isoformat(timespec="seconds")
        yield Finding(
            f"object {file.relative_to(folder)}",
            f"what was stored is damaged; set aside at {since}",
            f"put right what is in {file} and create it anew, or remove that file",
        )


def _examine(subject: str, name: str, paths: Paths) -> Finding:
    try:
        entries, damaged = asyncio.run(_read(SqliteStorage(paths.state, busy_seconds=0.5)))
    except Damaged as error:
        return Finding(subject, str(error), _way_out(name, paths))
    except StorageError as error:
        return Finding(subject, str(error))
    if damaged:
        what = f"{len(damaged)} of {entries} objects are damaged: {', '.join(damaged[:5])}"
        return Finding(subject, what, "`wherry up` sets them aside and serves the others")
    return Finding(subject, said=f"good, {entries} objects")


def _way_out(name: str, paths: Paths) -> str:
    if salvage.promises(paths.state):
        return f"`wherry doctor --name {name} --salvage` keeps every object that can be read"
    return f"no object can be read: put a copy of {paths.state.name} back, or `wherry down --name {name} --purge`"


async def _read(storage: SqliteStorage) -> tuple[int, list[str]]:
    """Return how many entries there are, and the keys of those that are not as they were written."""
    await storage.open()
    count, damaged, after, more = 0, [], "", True
    try:
        await storage.check()
        while more:
            entries, _, more = await storage.range(after=after)
            count += len(entries)
            damaged += [entry.key for entry in entries if not entry.intact]
            after = entries[-1].key if entries else ""
    finally:
        await storage.close()
    return count, damaged
