"""A zone as its file has it, and what it answers (RFC 1034 section 4.3.2, wildcards RFC 4592): pure."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import dns.exception
import dns.name
import dns.zone

from wherry.dns import names
from wherry.dns.wire.record import AAAA, ANY, CNAME, MX, NS, SOA, SRV, A, Record, of_set

MOST_ALIASES = 8


class Result(NamedTuple):
    """`exists` False: NXDOMAIN. `authority` also for a name that is somebody else's (`ours` False)."""

    answer: tuple[Record, ...] = ()
    authority: tuple[Record, ...] = ()
    additional: tuple[Record, ...] = ()
    exists: bool = True
    ours: bool = True
    outside: bytes = b""  # where an alias leaves the zone


class Zone:
    """The records of one zone. Raises ValueError for a file that is none."""

    def __init__(self, path: Path, origin: bytes):
        try:
            read = dns.zone.from_file(str(path), dns.name.from_wire(origin, 0)[0], relativize=False, check_origin=True)
        except (OSError, dns.exception.DNSException, ValueError) as error:
            raise ValueError(f"{path}: {getattr(error, 'strerror', None) or error}") from error
        self.origin = origin
        self._sets: dict[bytes, dict[int, tuple[Record, ...]]] = {}
        for name, node in read.nodes.items():
            sets = {int(s.rdtype): tuple(of_set(_named(name, s))) for s in node}
            self._sets[(name.to_wire() or b"\0").lower()] = sets
        self._between = {above for name in self._sets for above in names.suffixes(name)}
        self.soa = self._sets[origin][SOA]
        self.serial = int.from_bytes(self.soa[0].data[-20:-16], "big")

    def find(self, name: bytes, type: int) -> Result:
        """Return what the zone has for a name in it. The last of its aliases decides whether it exists (RFC 6604)."""
        aliases: list[Record] = []
        found = self._one(name, type)
        while (
            len(aliases) < MOST_ALIASES and type not in (CNAME, ANY) and found.answer and found.answer[0].type == CNAME
        ):
            aliases += found.answer
            target = found.answer[0].data.lower()
            if self.origin not in names.suffixes(target):
                return Result(tuple(aliases), outside=target)
            found = self._one(target, type)
        if not found.answer:
            return found._replace(answer=tuple(aliases))
        servers = () if (name, type) == (self.origin, NS) else self._sets[self.origin].get(NS, ())
        return Result((*aliases, *found.answer), servers, self._addresses(found.answer))

    def _one(self, name: bytes, type: int) -> Result:
        above = names.suffixes(name)
        for cut in above[: above.index(self.origin)][::-1]:
            delegation = self._sets.get(cut, {}).get(NS)
            if delegation:
                return Result((), delegation, self._addresses(delegation), True, False)
        sets = self._sets.get(name)
        if sets is None and name not in self._between:
            sets = self._wildcard(above)
            if sets is None:
                return Result((), self.soa, exists=False)
        return self._of_sets(name, sets or {}, type)

    def _wildcard(self, above: tuple[bytes, ...]) -> dict[int, tuple[Record, ...]] | None:
        closest = next(name for name in above[1:] if name in self._between)
        return self._sets.get(b"\1*" + closest)

    def _of_sets(self, name: bytes, sets: dict[int, tuple[Record, ...]], type: int) -> Result:
        if type == ANY:
            found = tuple(record for records in sets.values() for record in records)
        else:
            found = sets.get(type) or sets.get(CNAME, ())
        answer = tuple(record._replace(name=name) for record in found)
        return Result(answer) if answer else Result((), self.soa)

    def _addresses(self, records: tuple[Record, ...] | list[Record]) -> tuple[Record, ...]:
        """Return the addresses of the hosts that records name."""
        skipped = {NS: 0, MX: 2, SRV: 6}
        hosts = dict.fromkeys(r.data[skipped[r.type] :].lower() for r in records if r.type in skipped)
        return tuple(r for host in hosts for type in (A, AAAA) for r in self._sets.get(host, {}).get(type, ()))


def _named(name: dns.name.Name, rdataset: dns.rdataset.Rdataset) -> dns.rrset.RRset:
    return dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))
