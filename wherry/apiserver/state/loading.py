"""What is stored, read page by page into collections while others write, and what of the log is in it already."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Mapping

from wherry.apiserver.state import rooms
from wherry.apiserver.state.aside import Aside
from wherry.apiserver.state.change import Key, read
from wherry.apiserver.state.collection import Collection
from wherry.apiserver.storage.interface import LogEntry, Page, Storage, Write

log = logging.getLogger(__name__)


async def load(storage: Storage, prefix: str, into: Mapping[str, Collection], aside: Aside) -> int:
    """Put the objects stored under a prefix in place, by room; return the last page's revision.

    One that cannot be read is set aside, and only once it is safe there it leaves the store.

    Writes go on meanwhile: the log is to be read from the first page's revision on, `Collection.loaded`, and what
    `seen` says is in place already is to be passed over. Raises `StorageError`.
    """
    page = await storage.range(prefix)
    for collection in into.values():
        collection.loaded = page.revision
    unknown = await _place(storage, page, into, aside)
    while page.more:
        page = await storage.range(prefix, after=page.entries[-1].key)
        unknown += await _place(storage, page, into, aside)
    for room, count in unknown.items():
        what = f"objects of a kind that is not served are left alone kind={room}" if room else "keys mean no object"
        log.warning("stored %s count=%d", what, count)
    return page.revision


def seen(collection: Collection, key: Key, entry: LogEntry) -> bool:
    """Return whether an entry of the log is from before the load, or from while it went on and is in it already."""
    if entry.revision <= collection.loaded:
        return True
    if entry.value is None:
        return collection.get(key) is None or entry.revision < collection.revision_of(key)
    return entry.revision <= collection.revision_of(key)


async def _place(storage: Storage, page: Page, collections: Mapping[str, Collection], aside: Aside) -> Counter[str]:
    """Load the objects of a page, and return how many belong to no collection, by room."""
    unknown: Counter[str] = Counter()
    for entry in page.entries:
        room = rooms.of(entry.key)
        if room not in collections:
            unknown[room] += 1
            continue
        try:
            collections[room].load(read(entry, collections[room].kind))
        except ValueError as error:
            if aside.keep(entry.key, entry.value, str(error)):
                await storage.commit([Write(entry.key, None, entry.revision)])
        else:
            aside.replaced(entry.key)
    return unknown
