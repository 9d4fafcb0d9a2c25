"""Changes of elements as messages. Pure.

Message and attribute numbers: linux/netfilter/nf_tables.h (NFT_MSG_…, NFTA_…).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from wherry.net.nfnetlink.values import SetType, data, keys
from wherry.net.nfnetlink.wire import BIGGEST, CREATE, FAMILIES, NFTABLES, attribute, nested, text
from wherry.net.nft import Transaction

NEW_ELEMENTS, DELETE_ELEMENTS = NFTABLES | 12, NFTABLES | 14
TABLE, SET, ELEMENTS = 1, 2, 3  # NFTA_SET_ELEM_LIST_…
ELEMENT = 1  # NFTA_LIST_ELEM
KEY, DATA, KEY_END = 1, 2, 10  # NFTA_SET_ELEM_…
VALUE, VERDICT = 1, 2  # NFTA_DATA_…
VERDICT_CODE, VERDICT_CHAIN = 1, 2  # NFTA_VERDICT_…

Request = tuple[int, int, int, bytes]
"""A message but for its number: kind, flags, family, body."""


def requests(change: Transaction, types: Mapping[str, SetType]) -> Iterator[Request]:
    """Yield the messages of a transaction that changes elements alone, in its order."""
    for name, gone in change.deleted.items():
        packed = (element(types[name], key) for key in gone)
        yield from _requests(DELETE_ELEMENTS, 0, change.table, name, packed)
    for name, come in change.added.items():
        packed = (element(types[name], key, value) for key, value in come.items())
        yield from _requests(NEW_ELEMENTS, CREATE, change.table, name, packed)


def element(of: SetType, key: str, value: str | None = None) -> bytes:
    """Return an element as an attribute."""
    start, end = keys(of, key)
    parts = [nested(KEY, attribute(VALUE, start))]
    if end:
        parts.append(nested(KEY_END, attribute(VALUE, end)))
    if value is not None:
        parts.append(nested(DATA, _data(of, data(of, value))))
    return nested(ELEMENT, *parts)


def _data(of: SetType, packed: bytes) -> bytes:
    if of.data != ("verdict",):
        return attribute(VALUE, packed)
    return nested(VERDICT, attribute(VERDICT_CODE, packed[:4]), attribute(VERDICT_CHAIN, packed[4:] + b"\0"))


def _requests(kind: int, flags: int, table: str, name: str, elements: Iterable[bytes]) -> Iterator[Request]:
    family, _, label = table.partition(" ")
    head = text(TABLE, label) + text(SET, name)
    for few in _cut(elements):
        yield kind, flags, FAMILIES[family], head + nested(ELEMENTS, *few)


def _cut(elements: Iterable[bytes]) -> Iterator[Sequence[bytes]]:
    """Yield as many elements at a time as one attribute holds."""
    few: list[bytes] = []
    size = 0
    for each in elements:
        if few and size + len(each) > BIGGEST:
            yield few
            few, size = [], 0
        few.append(each)
        size += len(each)
    if few:
        yield few
