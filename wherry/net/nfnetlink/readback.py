"""What a table holds in the kernel: its structure as it is compared, and the elements of its sets.

Numbers: linux/netfilter/nf_tables.h (NFT_MSG_…, NFTA_…).
"""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from typing import TypeVar

from wherry.net.nfnetlink.connection import Interrupted, NetlinkError, Nfnetlink
from wherry.net.nfnetlink.values import verdict
from wherry.net.nfnetlink.wire import FAMILIES, NFTABLES, attributes, name, text

T = TypeVar("T")

GET_CHAINS, GET_RULES, GET_SETS, GET_ELEMENTS = (NFTABLES | n for n in (4, 7, 10, 13))
TABLE = 1
CHAIN_NAME, CHAIN_SAYS = 3, (4, 5, 7)  # its hook, policy and type
RULE_CHAIN, RULE_EXPRESSIONS = 2, 4
SET_NAME, SET_SAYS = 2, (3, 4, 5, 6, 7)  # its flags, and the types and lengths of keys and data
ELEMENTS = 3
KEY, DATA, KEY_END = 1, 2, 10
VALUE, VERDICT = 1, 2
VERDICT_CODE, VERDICT_CHAIN = 1, 2
TRIES = 5

Structure = dict[str, tuple[bytes, ...]]
"""What there is, such as `chain dispatch`, with what it says: of a chain its hook and its rules, of a set its types."""


def structure(netlink: Nfnetlink, table: str) -> Structure:
    """Return what a table ("family name") is made of; empty when there is none. Raises `NetlinkError`."""
    try:
        return _undisturbed(lambda: _structure(netlink, table))
    except NetlinkError as error:
        if error.number == errno.ENOENT:
            return {}
        raise


def elements(netlink: Nfnetlink, table: str, of: str) -> dict[bytes, bytes]:
    """Return the elements of a set: key (of an interval: and its end) and data, as `values` has them."""
    return _undisturbed(lambda: dict(_elements(netlink, table, of)))


def _undisturbed(read: Callable[[], T]) -> T:
    for _ in range(TRIES - 1):
        try:
            return read()
        except Interrupted:
            pass
    return read()


def _structure(netlink: Nfnetlink, table: str) -> Structure:
    found: Structure = {}
    for kind, word, label, says in (
        (GET_CHAINS, "chain", CHAIN_NAME, CHAIN_SAYS),
        (GET_SETS, "set", SET_NAME, SET_SAYS),
    ):
        for thing in _of_table(netlink, table, kind):
            found[f"{word} {name(thing[label])}"] = tuple(thing.get(each, b"") for each in says)
    for rule in _of_table(netlink, table, GET_RULES):
        found[f"chain {name(rule[RULE_CHAIN])}"] += (rule.get(RULE_EXPRESSIONS, b""),)
    return found


def _of_table(netlink: Nfnetlink, table: str, kind: int) -> Iterator[dict[int, bytes]]:
    family, _, label = table.partition(" ")
    for message in netlink.dump(kind, FAMILIES[family], text(TABLE, label)):
        thing = dict(attributes(message.body))
        if name(thing[TABLE]) == label:  # not every dump is of one table only
            yield thing


def _elements(netlink: Nfnetlink, table: str, of: str) -> Iterator[tuple[bytes, bytes]]:
    family, _, label = table.partition(" ")
    for message in netlink.dump(GET_ELEMENTS, FAMILIES[family], text(TABLE, label) + text(2, of)):
        for _, element in attributes(dict(attributes(message.body)).get(ELEMENTS, b"")):
            parts = dict(attributes(element))
            yield _value(parts[KEY]) + _value(parts.get(KEY_END, b"")), _data(parts.get(DATA, b""))


def _value(content: bytes) -> bytes:
    return content[4:]  # the only attribute in there: NFTA_DATA_VALUE


def _data(content: bytes) -> bytes:
    if not content:
        return b""
    [(kind, inner)] = attributes(content)
    if kind == VALUE:
        return inner
    parts = dict(attributes(inner))
    return verdict(int.from_bytes(parts[VERDICT_CODE], "big", signed=True), name(parts[VERDICT_CHAIN]))
