"""The way to write: durable before visible, one writer an object, nothing lost on a restart."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from tests.apiserver.state.test_collection import POD, names, pod
from wherry.apiserver.state import rooms
from wherry.apiserver.state.aside import Aside
from wherry.apiserver.state.change import Key, encode
from wherry.apiserver.state.commit import Edit
from wherry.apiserver.state.selection import Selection
from wherry.apiserver.state.state import State
from wherry.apiserver.storage.encryption.providers import AesGcm
from wherry.apiserver.storage.encryption.rules import Rule, Rules
from wherry.apiserver.storage.encryption.store import EncryptedStorage
from wherry.apiserver.storage.interface import Page, Stale, StorageError, Write
from wherry.apiserver.storage.memory import MemoryStorage
from wherry.apiserver.storage.sqlite.store import SqliteStorage
from wherry.objects import Object, metadata
from wherry.objects.errors import Expired

KEY = ("demo", "x")


class SlowStorage(MemoryStorage):
    """Writes happen when the test lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[asyncio.Future[int]] = []
        self.error: StorageError | None = None

    def commit(self, writes: Sequence[Write]) -> Awaitable[int]:
        done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

        def go(_: asyncio.Future[int]) -> None:
            if self.error:
                done.set_exception(self.error)
            else:
                MemoryStorage.commit(self, writes).add_done_callback(  # type: ignore[attr-defined]
                    lambda f: done.set_result(f.result())
                )

        hold: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        hold.add_done_callback(go)
        self.held.append(hold)
        return done

    def release(self) -> None:
        for hold in self.held:
            hold.set_result(0)
        self.held.clear()


async def started(storage: MemoryStorage | SqliteStorage) -> State:
    state = State(storage, [POD])
    await storage.open()
    await state.start()
    return state


async def write(state: State, compute: Callable[[Object | None], Object | None], key: Key = KEY) -> Object:
    """Do what a writer does: think about the newest object, commit, and begin again when somebody was faster."""
    while True:
        current = await state.newest(POD, key)
        try:
            return await state.commit([Edit(POD, key, compute(current))])
        except Stale:
            continue


def put(obj: Object) -> Callable[[Object | None], Object]:
    return lambda current: obj


async def test_a_write_is_visible_to_nobody_before_it_is_durable() -> None:
    storage = SlowStorage()
    state = await started(storage)
    collection = state.collection(POD)
    watch = collection.watch(Selection(), None)
    writing = asyncio.create_task(write(state, put(pod(*KEY, 0))))
    await asyncio.sleep(0)
    assert collection.get(KEY) is None
    assert collection.latest(KEY) is not None
    assert [obj["metadata"]["name"] for obj in collection.latest_items()] == ["x"]
    storage.release()
    written = await writing
    assert written is collection.get(KEY)
    assert written is not None
    assert written["metadata"]["resourceVersion"] == "1"
    assert [event.object for event in await watch.take()] == [written]
    await state.stop()


async def test_writers_of_one_object_see_each_others_result() -> None:
    storage = SlowStorage()
    state = await started(storage)

    def count(current: Object | None) -> Object:
        number = current["spec"]["n"] + 1 if current else 1
        return {"metadata": {"namespace": "demo", "name": "x"}, "spec": {"n": number}}

    writing = [asyncio.create_task(write(state, count)) for _ in range(5)]
    for _ in range(30):
        await asyncio.sleep(0)
        storage.release()
    results = await asyncio.gather(*writing)
    assert sorted(r["spec"]["n"] for r in results if r) == [1, 2, 3, 4, 5]
    await state.stop()


async def test_writers_of_different_objects_do_not_wait_for_each_other() -> None:
    storage = SlowStorage()
    state = await started(storage)
    writing = [asyncio.create_task(write(state, put(pod("demo", n, 0)), ("demo", n))) for n in "abc"]
    await asyncio.sleep(0)
    assert len(storage.held) == 3
    storage.release()
    await asyncio.gather(*writing)
    await state.stop()


async def test_a_write_that_failed_never_was() -> None:
    storage = SlowStorage()
    state = await started(storage)
    storage.error = StorageError("disk full")
    writing = asyncio.create_task(write(state, put(pod(*KEY, 0))))
    await asyncio.sleep(0)
    storage.release()
    with pytest.raises(StorageError, match="disk full"):
        await writing
    assert state.collection(POD).latest(KEY) is None
    storage.error = None
    again = asyncio.create_task(write(state, put(pod(*KEY, 0))))
    await asyncio.sleep(0)
    storage.release()
    assert await again is not None
    await state.stop()


async def test_a_writer_that_goes_away_does_not_take_its_write_with_it() -> None:
    storage = SlowStorage()
    state = await started(storage)
    writing = asyncio.create_task(write(state, put(pod(*KEY, 0))))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    storage.release()
    await state.reached(1)
    assert state.collection(POD).get(KEY) is not None
    assert not state.collection(POD).pending
    await state.stop()


async def test_a_commit_to_an_object_that_is_being_written_is_stale_once_that_is_done() -> None:
    storage = SlowStorage()
    state = await started(storage)
    first = asyncio.create_task(state.commit([Edit(POD, KEY, pod(*KEY, 0))]))
    await asyncio.sleep(0)
    assert not state.is_newest(POD, KEY, None)
    second = asyncio.create_task(state.commit([Edit(POD, KEY, pod(*KEY, 1))]))
    await asyncio.sleep(0)
    assert not second.done()
    storage.release()
    with pytest.raises(Stale):
        await second
    assert state.is_newest(POD, KEY, await first)
    await state.stop()


async def test_a_commit_that_another_server_overtook_is_stale_once_the_others_can_be_read() -> None:
    storage = MemoryStorage()
    mine, other = await started(storage), State(storage, [POD])
    await other.start()
    theirs = other.commit([Edit(POD, KEY, pod(*KEY, 0, app="theirs"))])
    with pytest.raises(Stale):
        await asyncio.gather(theirs, mine.commit([Edit(POD, KEY, pod(*KEY, 0, app="mine"))]))
    found = mine.collection(POD).get(KEY)
    assert found is not None
    assert found["metadata"]["labels"] == {"app": "theirs"}
    assert not mine.collection(POD).pending
    await mine.stop()
    await other.stop()


async def test_the_objects_of_one_commit_appear_together_or_not_at_all() -> None:
    storage = MemoryStorage()
    state = await started(storage)
    a, b = ("demo", "a"), ("demo", "b")
    await state.commit([Edit(POD, a, pod(*a, 0)), Edit(POD, b, pod(*b, 0))])
    versions = {obj["metadata"]["resourceVersion"] for obj in state.collection(POD).items()}
    assert versions == {"1"}
    await storage.commit([Write("/core/pods/demo/b", None, 1)])  # somebody else, not seen yet
    with pytest.raises(Stale):
        await state.commit([Edit(POD, a, pod(*a, 7)), Edit(POD, b, pod(*b, 7))])
    left = [(o["metadata"]["name"], o["metadata"]["resourceVersion"]) for o in state.collection(POD).items()]
    assert left == [("a", "1")]
    await state.stop()


async def test_a_removal_by_another_server_is_not_taken_for_a_part_of_ones_own_commit() -> None:
    """Both remove one object; the other one's commit went further, so ours was lost, and nothing of it stays."""
    storage = MemoryStorage()
    mine, other = await started(storage), State(storage, [POD])
    await other.start()
    a, b = ("demo", "a"), ("demo", "b")
    await mine.commit([Edit(POD, a, pod(*a, 0)), Edit(POD, b, pod(*b, 0))])
    await other.reached(1)
    theirs, ours = [Edit(POD, a, None)], [Edit(POD, b, pod(*b, 7)), Edit(POD, a, None)]
    results = await asyncio.gather(other.commit(theirs), mine.commit(ours), return_exceptions=True)
    assert isinstance(results[1], Stale)
    assert not mine.collection(POD).pending
    assert [o["metadata"]["name"] for o in mine.collection(POD).items()] == ["b"]
    await mine.stop()
    await other.stop()


async def test_what_somebody_else_stores_is_seen_too() -> None:
    storage = MemoryStorage()
    state = await started(storage)
    await storage.commit([Write("/core/pods/demo/x", encode(pod(*KEY, 0)), 0)])
    await state.reached(1)
    found = state.collection(POD).get(KEY)
    assert found is not None
    assert found["metadata"]["resourceVersion"] == "1"
    await state.stop()


NONSENSE = {
    "not JSON": b"{",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "another kind": encode(pod(*KEY, 0) | {"kind": "Node"}),
    "another name": encode(pod("demo", "y", 0)),
    "no uid": b'{"apiVersion":"v1","kind":"Pod","metadata":{"namespace":"demo","name":"x"}}',
    "a number of containers": encode(pod(*KEY, 0) | {"spec": {"containers": 3}}),
}


@pytest.mark.parametrize("value", NONSENSE.values(), ids=NONSENSE)
@pytest.mark.parametrize("started_before", [True, False], ids=["while it runs", "before it starts"])
async def test_what_somebody_else_stores_that_is_no_object_is_set_aside(
    tmp_path: Path, value: bytes, started_before: bool
) -> None:
    storage = MemoryStorage()
    state = State(storage, [POD], Aside(tmp_path))
    await storage.open()
    if started_before:
        await state.start()
    for key in ("no key", "/core/pods", "//", "/core/pods/demo/a/b"):
        await storage.commit([Write(key, value, 0)])
    await storage.commit([Write("/core/pods/demo/x", value, 0)])
    await storage.commit([Write("/core/pods/demo/y", encode(pod("demo", "y", 0)), 0)])
    if not started_before:
        await state.start()
    await state.reached(6)
    assert names(state.collection(POD).items()) == ["demo/y"]
    assert state.set_aside(POD, KEY) is not None
    await asyncio.sleep(0)
    written = await write(state, put(pod(*KEY, 0)))  # and it can be made anew
    assert state.collection(POD).get(KEY) is written
    await write(state, lambda current: None)
    await state.stop()


async def test_objects_versions_and_recent_changes_survive_a_restart(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "db")
    state = await started(storage)
    for label in ("a", "b"):
        await write(state, put(pod(*KEY, 0, app=label)))
    await write(state, put(pod("demo", "y", 0)), ("demo", "y"))
    await write(state, lambda current: None, ("demo", "y"))
    await state.stop()
    await storage.close()

    storage = SqliteStorage(tmp_path / "db")
    state = await started(storage)
    assert state.revision == 4
    collection = state.collection(POD)
    found = collection.get(KEY)
    assert found is not None
    assert (found["metadata"]["resourceVersion"], found["metadata"]["labels"]) == ("2", {"app": "b"})
    watch = collection.watch(Selection(), 1)
    events = [
        (e.type, e.object["metadata"]["name"], e.object["metadata"]["resourceVersion"]) for e in await watch.take()
    ]
    assert events == [("MODIFIED", "x", "2"), ("ADDED", "y", "3"), ("DELETED", "y", "4")]
    with pytest.raises(Expired):  # the log keeps what an object was, and not its version: no older list can be shown
        collection.select_at(1, Selection())
    await state.stop()
    await storage.close()


class ShortPages(MemoryStorage):
    """Pages of two entries, and random writes between them."""

    def __init__(self, rng: random.Random):
        super().__init__()
        self._rng = rng
        self.writing = False

    async def range(self, prefix: str = "", *, after: str = "", limit: int = 2) -> Page:
        for _ in range(3 if self.writing else 0):
            await self.write()
        return await super().range(prefix, after=after, limit=2)

    async def write(self) -> None:
        name = self._rng.choice("abcdefghij")
        path = f"/core/pods/demo/{name}"
        current = next((e.revision for e in (await super().range(path, limit=1)).entries), 0)
        value = None if current and self._rng.random() < 0.4 else encode(pod("demo", name, 0))
        await self.commit([Write(path, value, current)])


async def test_a_state_loaded_page_by_page_misses_nothing_that_was_written_meanwhile() -> None:
    """Random writes between the pages: what is loaded and replayed is what is stored, and its history is whole."""
    for seed in range(50):
        storage = ShortPages(random.Random(seed))
        for _ in range(20):
            await storage.write()
        storage.writing = True
        state = await started(storage)
        storage.writing = False
        await state.reached((await storage.range()).revision)
        stored = await MemoryStorage.range(storage, limit=100)
        versions = {o["metadata"]["name"]: o["metadata"]["resourceVersion"] for o in state.collection(POD).items()}
        assert versions == {entry.key[-1]: str(entry.revision) for entry in stored.entries}
        changes = state.collection(POD).window.since(0)
        assert [change.revision for change in changes] == list(range(1, stored.revision + 1))
        await state.stop()


async def damaged(tmp_path: Path, *values: bytes) -> SqliteStorage:
    """Return a closed store of pods x, y, … in which the first of the values is not what is there any more."""
    storage = SqliteStorage(tmp_path / "db")
    state = await started(storage)
    for name in "xyz":
        await write(state, put(pod("demo", name, 0, app=f"of-{name}")), ("demo", name))
    await state.stop()
    await storage.close()
    content = (tmp_path / "db").read_bytes()
    for old, new in zip(values[::2], values[1::2], strict=True):
        assert content.count(old) == 1
        content = content.replace(old, new)
    (tmp_path / "db").write_bytes(content)
    return SqliteStorage(tmp_path / "db")


FLIPPED = {"text": (b"of-x", b"of-X"), "structure": (b'"of-x"}', b'"of-x"]')}


@pytest.mark.parametrize("what", ["text", "structure"])
async def test_a_damaged_object_is_kept_aside_and_the_rest_is_served(tmp_path: Path, what: str) -> None:
    storage = await damaged(tmp_path, *FLIPPED[what])
    state = State(storage, [POD], Aside(tmp_path / "aside"))
    await storage.open()
    await state.start()
    assert names(state.collection(POD).items()) == ["demo/y", "demo/z"]
    file = tmp_path / "aside" / "core" / "pods" / "demo" / "x"
    assert FLIPPED[what][1] in file.read_bytes()
    assert state.set_aside(POD, KEY) == file
    assert state.set_aside(POD, ("demo", "y")) is None
    await state.stop()
    await storage.close()


ENCRYPTED = Rules([Rule([("core", "pods")], [AesGcm("key1", bytes(32))])])


async def test_what_is_encrypted_is_set_aside_encrypted(tmp_path: Path) -> None:
    storage = EncryptedStorage(SqliteStorage(tmp_path / "db"), ENCRYPTED, rooms.of)
    await storage.open()
    await storage.commit([Write("/core/pods/demo/x", b"a word, and no object", 0)])
    state = State(storage, [POD], Aside(tmp_path / "aside", storage.seal))
    await state.start()
    content = (tmp_path / "aside" / "core" / "pods" / "demo" / "x").read_bytes()
    assert content.startswith(b"k8s:enc:aesgcm:v1:key1:")
    assert AesGcm("key1", bytes(32)).open("/core/pods/demo/x", content) == b"a word, and no object"
    await state.stop()
    await storage.close()


async def test_an_object_whose_key_is_missing_is_not_damaged_but_a_reason_not_to_start(tmp_path: Path) -> None:
    storage = SqliteStorage(tmp_path / "db")
    await storage.open()
    theirs = EncryptedStorage(storage, ENCRYPTED, rooms.of)
    await theirs.commit([Write("/core/pods/demo/x", b"{}", 0)])
    state = State(EncryptedStorage(storage, Rules(), rooms.of), [POD], Aside(tmp_path / "aside"))
    with pytest.raises(StorageError, match=r"^/core/pods/demo/x is encrypted by key key1 of aesgcm"):
        await state.start()
    assert not (tmp_path / "aside").exists()
    assert len((await storage.range()).entries) == 1
    await storage.close()


async def test_an_object_set_aside_counts_as_damaged_until_it_is_made_anew(tmp_path: Path) -> None:
    storage = await damaged(tmp_path, *FLIPPED["text"])
    for _ in range(2):  # a restart finds nothing in the store, and remembers
        state = State(storage, [POD], Aside(tmp_path / "aside"))
        await storage.open()
        await state.start()
        assert state.set_aside(POD, KEY) is not None
        assert KEY not in [metadata.key(obj) for obj in state.collection(POD).items()]
        await state.stop()
        await storage.close()
        storage = SqliteStorage(tmp_path / "db")
    state = State(storage, [POD], Aside(tmp_path / "aside"))
    await storage.open()
    await state.start()
    await write(state, put(pod(*KEY, 0)), KEY)
    assert state.set_aside(POD, KEY) is None
    assert [f.name for f in (tmp_path / "aside" / "core" / "pods" / "demo").iterdir()] == ["x~replaced"]
    await state.stop()
    await storage.close()


async def test_what_can_be_kept_nowhere_stays_in_the_store(tmp_path: Path) -> None:
    storage = await damaged(tmp_path, *FLIPPED["text"])
    (tmp_path / "aside").write_text("a file where the folder should be")
    state = State(storage, [POD], Aside(tmp_path / "aside"))
    await storage.open()
    await state.start()
    assert names(state.collection(POD).items()) == ["demo/y", "demo/z"]
    assert [entry.key[-1] for entry in (await storage.range()).entries] == ["x", "y", "z"]
    await state.stop()
    await storage.close()


async def test_a_watch_from_before_a_damaged_part_of_the_log_is_refused(tmp_path: Path) -> None:
    """The log ends where a value is not the one that was written; what came later is still told."""
    storage = await damaged(tmp_path, *FLIPPED["text"])
    state = State(storage, [POD], Aside(tmp_path / "aside"))
    await storage.open()
    await state.start()
    with pytest.raises(Expired):
        state.collection(POD).watch(Selection(), 3)
    watch = state.collection(POD).watch(Selection(), 4)  # the fourth took the damaged one out of the store
    await write(state, put(pod("demo", "new", 0)), ("demo", "new"))
    assert [(e.type, e.object["metadata"]["name"]) for e in await watch.take()] == [("ADDED", "new")]
    await state.stop()
    await storage.close()
