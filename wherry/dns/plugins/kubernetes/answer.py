"""Answers for the cluster's zones, and its reverse zones, from the records."""

from __future__ import annotations

import struct

from wherry.dns import names
from wherry.dns.chain import Environment
from wherry.dns.plugins.kubernetes.endpoint import Naming
from wherry.dns.plugins.kubernetes.follow import Follower
from wherry.dns.plugins.kubernetes.records import Found, Labels, Records, nothing
from wherry.dns.plugins.kubernetes.records import Record as Relative
from wherry.dns.plugins.kubernetes.searchers import Searchers
from wherry.dns.plugins.kubernetes.settings import Settings
from wherry.dns.query import (
    NOERROR,
    NXDOMAIN,
    REFUSED,
    SERVFAIL,
    Answer,
    Handler,
    Keep,
    Query,
    Quiet,
    SearchPath,
    follow,
)
from wherry.dns.wire.record import AXFR, CNAME, IXFR, PTR, SOA, Record, soa, type_text

MOST_HOPS = 8
"""How many ExternalName Services may point at one another before we stop following them."""
NUMBERS = {"A": 1, "NS": 2, "CNAME": 5, "PTR": 12, "TXT": 16, "AAAA": 28, "SRV": 33}


class Kubernetes(Quiet):
    """The plugin."""

    def __init__(self, wanted: Settings, environment: Environment):
        self._settings = wanted
        self._environment = environment
        self.records = Records(
            pods=wanted.pods,  # type: ignore[arg-type]
            ignore_empty_service=wanted.ignore_empty,
            naming=Naming(wanted.pod_names),
            only_hostnames_reversed=wanted.only_hostnames_reversed,
        )
        self.zone = next((z for z in wanted.zones if not names.is_reverse(z)), names.of_text("cluster.local."))
        self._searchers = Searchers(self.zone)
        self._follower = Follower(wanted, self.records, self._searchers, environment)

    async def start(self) -> None:
        """Follow the cluster."""
        wanted = self._settings
        self._follower.start(wanted.connect(None) if wanted.kubeconfig else self._environment.client())

    async def stop(self) -> None:
        """Stop following."""
        await self._follower.stop()

    def is_ready(self) -> bool:
        """Whether everything has been read once."""
        return self._follower.is_synced()

    async def ready(self) -> None:
        """Return once everything has been read."""
        await self._follower.synced()

    def searches(self, client: str) -> SearchPath | None:
        """Return the search path of the one pod at an address."""
        return self._searchers.of(client)

    def begins_search(self, domain: bytes) -> bool:
        """Whether it is a namespace's."""
        return self._searchers.begins_with(domain)

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer for our zones."""
        zone = query.zone_of(self._settings.zones)
        if zone is None:
            return await next(query)
        if query.type in (AXFR, IXFR):
            return Answer(REFUSED, why="zones are not transferred")
        if not self.is_ready():
            return Answer(SERVFAIL, why="the cluster has not been read yet")
        found = self._reverse(query, zone) if names.is_reverse(zone) else self._forward(query, zone)
        if not found.exists and query.falls_through(self._settings.fallthrough):
            return await next(query)
        return await self._answer(query, zone, found)

    def _forward(self, query: Query, zone: bytes) -> Found:
        labels = tuple(label.decode("utf-8", "replace") for label in names.labels(query.name[: -len(zone)] + b"\0"))
        return self.records.find(labels, type_text(query.type))

    def _reverse(self, query: Query, zone: bytes) -> Found:
        if query.name == zone:
            return self.records.find((), type_text(query.type))
        address = names.address(query.name)
        found = self.records.reverse(address) if address else nothing("it is not the name of an address")
        return found if query.type == PTR or not found.exists else Found(tags=found.tags, why=found.why)

    async def _answer(self, query: Query, zone: bytes, found: Found) -> Answer:
        ttl, at = self._settings.ttl, self.zone if names.is_reverse(zone) else zone
        keep = Keep(found.tags, crowd=found.anybody or not found.exists)
        if not found.records:
            return self._nothing(query, zone, found, keep)
        records = self._records(found.records, at, ttl, query.name)
        extra = self._records(found.extra, at, ttl)
        answer = Answer(NOERROR, records, (), extra, True, keep=keep, why=found.why)
        if records[0].type == CNAME and query.type != CNAME:
            more, good = await follow(query, records[0].data, self._environment.resolve, MOST_HOPS)
            return answer._replace(answer=(*records, *more), keep=None if good is None else keep.and_(good))
        return answer

    def _nothing(self, query: Query, zone: bytes, found: Found, keep: Keep) -> Answer:
        record = soa(zone, self._settings.ttl, self._follower.serial)
        if query.type == SOA and query.name == zone:
            return Answer(NOERROR, (record,), authoritative=True, why="the zone's SOA")
        rcode = NOERROR if found.exists else NXDOMAIN
        why = found.why if not found.exists else f"{found.why}: it has no {type_text(query.type)} record"
        return Answer(rcode, (), (record,), (), True, keep=keep, why=why)

    def _records(
        self, records: tuple[Relative, ...], zone: bytes, ttl: int, owner: bytes | None = None
    ) -> tuple[Record, ...]:
        """Return records of `zone` as the wire has them; all are `owner`'s, if given."""
        known: dict[Labels, bytes] = {}
        return tuple([
            Record(owner or _absolute(r.name, zone, known), NUMBERS[r.type], ttl, r.data or _data(r, zone, known))
            for r in records
        ])  # fmt: skip


def _absolute(labels: Labels, zone: bytes, known: dict[Labels, bytes]) -> bytes:
    found = known.get(labels)
    if found is None:
        found = known[labels] = names.join(labels, zone)
    return found


def _data(record: Relative, zone: bytes, known: dict[Labels, bytes]) -> bytes:
    name = _absolute(record.target, zone, known)
    return struct.pack("!HHH", 0, record.weight, record.port) + name if record.type == "SRV" else name
