"""What is said to etcd and what it answers, in the JSON of its gateway: bytes as base64, 64-bit numbers as text.

Source: etcd api/etcdserverpb/rpc.proto, api/mvccpb/kv.proto; what is left at its default is left out in both
directions.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from wherry.apiserver.storage.interface import Stale, Write


class KeyValue(Struct):
    """A key as etcd has it."""

    key: bytes
    value: bytes = b""
    mod_revision: int = 0


class Header(Struct):
    """What every answer begins with; `revision` is the newest of the whole etcd."""

    revision: int = 0


class Range(Struct, omit_defaults=True):
    """Ask for keys from `key` up to but without `range_end`; b"" for just the one."""

    key: bytes
    range_end: bytes = b""
    limit: int = 0
    keys_only: bool = False


class Ranged(Struct):
    """The answer to `Range`."""

    header: Header
    kvs: list[KeyValue] = []
    more: bool = False


class Put(Struct):
    """Write a key."""

    key: bytes
    value: bytes


class DeleteRange(Struct, omit_defaults=True):
    """Remove keys."""

    key: bytes
    range_end: bytes = b""


class Compare(Struct, omit_defaults=True):
    """What has to be so for a transaction to succeed; a key that is not there has revision 0."""

    key: bytes
    target: Literal["MOD", "CREATE", "VERSION"]
    result: Literal["EQUAL", "GREATER"] = "EQUAL"
    mod_revision: int = 0


class Operation(Struct, omit_defaults=True):
    """One step of a transaction."""

    request_put: Put | None = None
    request_delete_range: DeleteRange | None = None
    request_range: Range | None = None


class Txn(Struct):
    """Do `success` where all of `compare` holds, else `failure`."""

    compare: list[Compare]
    success: list[Operation]
    failure: list[Operation] = []


class Result(Struct):
    """What one step of a transaction gave; of writes nothing is wanted."""

    response_range: Ranged | None = None


class Done(Struct):
    """The answer to `Txn`."""

    header: Header
    succeeded: bool = False
    responses: list[Result] = []


class Compaction(Struct):
    """Forget what was before `revision`."""

    revision: int


class WatchCreate(Struct):
    """Tell of every change from `start_revision` on."""

    key: bytes
    range_end: bytes
    start_revision: int
    prev_kv: bool = True


class WatchRequest(Struct):
    """What begins a watch."""

    create_request: WatchCreate


class WatchedKey(Struct):
    """One change of one key."""

    kv: KeyValue
    type: Literal["PUT", "DELETE"] = "PUT"
    prev_kv: KeyValue | None = None


class Watched(Struct):
    """A piece of a watch: whole revisions, or why it ended (`compact_revision`: it began before that)."""

    header: Header
    events: list[WatchedKey] = []
    canceled: bool = False
    compact_revision: int = 0
    cancel_reason: str = ""


class Failure(Struct):
    """What etcd says when it cannot."""

    message: str = ""
    error: str = ""


class WatchLine(Struct):
    """One line of a watch."""

    result: Watched | None = None
    error: Failure | None = None


def end_of(prefix: bytes) -> bytes:
    """Return the first key behind all that start with `prefix`, whose last byte is not 0xff."""
    return prefix[:-1] + bytes([prefix[-1] + 1])


def transaction(writes: Sequence[tuple[bytes, Write]]) -> Txn:
    """Return the transaction of a commit, given each write with its key in etcd; a failure gives what there is."""
    return Txn(
        [compared for key, write in writes for compared in _compared(key, write)],
        [_step(key, write) for key, write in writes],
        [Operation(request_range=Range(key)) for key, _ in writes],
    )


def _compared(key: bytes, write: Write) -> list[Compare]:
    compared = [Compare(key, "MOD", mod_revision=write.expected)]
    if write.value is None and not write.expected:  # what is not there cannot be removed
        compared.append(Compare(key, "CREATE", "GREATER"))
    return compared


def _step(key: bytes, write: Write) -> Operation:
    if write.value is None:
        return Operation(request_delete_range=DeleteRange(key))
    return Operation(request_put=Put(key, write.value))


def there(done: Done) -> list[KeyValue | None]:
    """Return what a failed transaction found at each of its keys."""
    ranges = [result.response_range for result in done.responses]
    return [found.kvs[0] if found is not None and found.kvs else None for found in ranges]


def stale(writes: Sequence[Write], found: Sequence[KeyValue | None]) -> Stale:
    """Return which of a commit's writes lost first."""
    for write, entry in zip(writes, found, strict=True):
        current = entry.mod_revision if entry else 0
        if current != write.expected or (write.value is None and entry is None):
            return Stale(write.key, current)
    raise ValueError("etcd refused a transaction whose conditions hold")


def happened(writes: Sequence[Write], found: Sequence[KeyValue | None], newest: int) -> int | None:
    """Return the revision of a commit that happened though its answer was lost; None where it did not happen.

    Whoever wrote the very same bytes at all of its keys in one revision did the same thing; of what only removes,
    no more is known than that it was done by `newest`.
    """
    if any((entry.value if entry else None) != write.value for write, entry in zip(writes, found, strict=True)):
        return None
    revisions = {entry.mod_revision for entry in found if entry} or {newest}
    return revisions.pop() if len(revisions) == 1 else None
