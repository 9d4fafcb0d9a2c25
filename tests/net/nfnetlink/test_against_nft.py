"""Elements by netlink are those nft would make: each is put in by one and read, or taken out, by the other."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from wherry.net import namespaces
from wherry.net.nfnetlink import readback
from wherry.net.nfnetlink.batch import requests
from wherry.net.nfnetlink.connection import NetlinkError, Nfnetlink
from wherry.net.nfnetlink.values import SetType, data, keys
from wherry.net.nft import NftCommand, Transaction

pytestmark = pytest.mark.kernel

FRONTEND = {f: (f, "inet_proto", "inet_service") for f in ("ipv4_addr", "ipv6_addr")}
SETS = {
    "verdicts4": (SetType(FRONTEND["ipv4_addr"], ("verdict",)), {"10.96.0.1 . tcp . 80": "goto c"}),
    "verdicts6": (SetType(FRONTEND["ipv6_addr"], ("verdict",)), {"fd00::1 . sctp . 65535": "jump c"}),
    "slots4": (
        SetType(("ipv4_addr", "inet_service", "slot"), ("ipv4_addr", "inet_service")),
        {"10.96.0.1 . 80 . 0": "10.244.0.5 . 8080", "10.96.0.1 . 80 . 700": "10.244.0.6 . 8080"},
    ),
    "ranges4": (
        SetType((*FRONTEND["ipv4_addr"], "ipv4_addr"), interval=True),
        {"10.96.0.1 . tcp . 80 . 10.0.0.0/8": None, "10.96.0.1 . udp . 53 . 192.0.2.7/32": None},
    ),
    "ranges6": (
        SetType((*FRONTEND["ipv6_addr"], "ipv6_addr"), interval=True),
        {"fd00::1 . tcp . 80 . fd00:244::/56": None},
    ),
    "plain6": (SetType(("ipv6_addr",)), {"fd00::1": None, "::ffff:0:0": None}),
}
DECLARED = {
    "verdicts4": "map verdicts4 { type ipv4_addr . inet_proto . inet_service : verdict; }",
    "verdicts6": "map verdicts6 { type ipv6_addr . inet_proto . inet_service : verdict; }",
    "slots4": "map slots4 { typeof ip daddr . tcp dport . numgen random mod 65535 : ip daddr . tcp dport; }",
    "ranges4": "set ranges4 { type ipv4_addr . inet_proto . inet_service . ipv4_addr; flags interval; }",
    "ranges6": "set ranges6 { type ipv6_addr . inet_proto . inet_service . ipv6_addr; flags interval; }",
    "plain6": "set plain6 { type ipv6_addr; }",
}
TYPES = {name: of for name, (of, _) in SETS.items()}
TABLE = "inet t"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    namespaces.create(tmp_path / "net")
    yield tmp_path / "net"
    namespaces.delete(tmp_path / "net")


def inside(place: Path, main: Any) -> Any:
    async def made() -> Any:
        nft = NftCommand()
        await nft.run(f"table {TABLE} {{\n" + "\n".join(DECLARED.values()) + "\nchain c {\n}\n}\n")
        with closing(Nfnetlink()) as netlink:
            return await main(nft, netlink)

    return namespaces.run(place, lambda: asyncio.run(made()))


@pytest.mark.parametrize("name", SETS)
def test_what_netlink_puts_in_nft_takes_out_and_the_other_way_round(place: Path, name: str) -> None:
    of, elements = SETS[name]
    added, gone = Transaction(TABLE, added={name: elements}), Transaction(TABLE, deleted={name: list(elements)})
    held = {b"".join(keys(of, k)): data(of, v) if v else b"" for k, v in elements.items()}

    async def main(nft: NftCommand, netlink: Nfnetlink) -> None:
        for add, delete in ((True, False), (False, True)):
            if add:
                netlink.commit(requests(added, TYPES))
            else:
                await nft.run(str(added))
            assert readback.elements(netlink, TABLE, name) == held
            if delete:
                netlink.commit(requests(gone, TYPES))
            else:
                await nft.run(str(gone))
            assert readback.elements(netlink, TABLE, name) == {}

    inside(place, main)


def test_of_a_batch_with_one_bad_request_nothing_happens_and_the_next_one_is_taken(place: Path) -> None:
    good = {"plain6": {"fd00::2": None}}

    async def main(_: NftCommand, netlink: Nfnetlink) -> None:
        bad = Transaction(TABLE, deleted={"slots4": ["10.96.0.9 . 80 . 0"]}, added=good)
        with pytest.raises(NetlinkError, match="no such file") as caught:
            netlink.commit(requests(bad, TYPES))
        assert caught.value.at == 0
        assert readback.elements(netlink, TABLE, "plain6") == {}
        netlink.commit(requests(Transaction(TABLE, added=good), TYPES))
        assert len(readback.elements(netlink, TABLE, "plain6")) == 1

    inside(place, main)


def test_more_than_a_message_holds_goes_in_several_and_all_is_read_back(place: Path) -> None:
    many = {f"10.{n // 65536}.{n // 256 % 256}.{n % 256} . 80 . {n}": "10.244.0.5 . 8080" for n in range(20_000)}

    async def main(_: NftCommand, netlink: Nfnetlink) -> None:
        netlink.commit(requests(Transaction(TABLE, added={"slots4": many}), TYPES))
        assert len(readback.elements(netlink, TABLE, "slots4")) == len(many)

    inside(place, main)


def test_a_table_that_is_not_there_has_no_structure(place: Path) -> None:
    async def main(_: NftCommand, netlink: Nfnetlink) -> None:
        assert readback.structure(netlink, "ip nosuch") == {}
        assert {"chain c", "set plain6"} <= readback.structure(netlink, TABLE).keys()

    inside(place, main)
