"""kubernetes: answers for the cluster's zone and its reverse zones from Services, EndpointSlices and Namespaces.

kubernetes [ZONES...] {
    pods disabled|insecure|verified      a-b-c-d.NAMESPACE.pod names (default disabled)
    ttl SECONDS                          0 to 3600, default 5
    fallthrough [ZONES...]               names we do not have go to the next plugin
    noendpoints                          do not read EndpointSlices: headless Services have no names
    ignore empty_service                 a Service without ready endpoints does not exist
    namespaces NAMES...                  expose only these
}
"""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, replace

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.reversename
import dns.rrset

from wherry.component.component import Component
from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Answer, Handler, Query, Quiet, respond
from wherry.dns.records import Found, Labels, Record, Records
from wherry.objects import Object, metadata
from wherry.objects.meaning.pods import addresses
from wherry.objects.metadata import Key
from wherry.objects.resource import ENDPOINT_SLICES, NAMESPACES, PODS, SERVICES

log = logging.getLogger(__name__)

IN = dns.rdataclass.IN
LATER = {"endpoint", "tls", "kubeconfig", "namespace_labels", "labels", "endpoint_pod_names", "multicluster"}
REVERSE = dns.name.from_text("in-addr.arpa.")
REVERSE6 = dns.name.from_text("ip6.arpa.")
MOST_HOPS = 8
"""How many ExternalName Services may point at one another before we stop following them."""
SOA_TIMES = "7200 1800 86400"  # refresh, retry, expire: nobody transfers this zone, the values are CoreDNS's


@dataclass
class Settings:
    """What the directive asks for. `fallthrough`: zones, or None for never."""

    zones: tuple[dns.name.Name, ...]
    ttl: int = 5
    pods: str = "disabled"
    endpoints: bool = True
    ignore_empty: bool = False
    namespaces: frozenset[str] = frozenset()
    fallthrough: tuple[dns.name.Name, ...] | None = None


def settings(directive: Directive, block: ServerBlock) -> Settings:
    """Read the directive; raises CorefileError."""
    result = Settings(directive.zones(directive.args or (zone for zone, _ in block.zones)))
    for option in directive.options:
        match option.name, option.args:
            case "pods", (mode,) if mode in ("disabled", "insecure", "verified"):
                result.pods = mode
            case "ttl", (seconds,) if seconds.isdigit() and int(seconds) <= 3600:
                result.ttl = int(seconds)
            case "fallthrough", zones:
                result.fallthrough = directive.zones(zones or (".",))
            case "noendpoints", ():
                result.endpoints = False
            case "ignore", ("empty_service",):
                result.ignore_empty = True
            case "namespaces", some if some:
                result.namespaces = frozenset(some)
            case "startup_timeout", (_,):
                pass  # we serve SERVFAIL until the first sync and never give up, so there is nothing to wait for
            case name, _ if name in LATER:
                raise directive.error(f"{name} is not supported yet")
            case name, args:
                raise directive.error(f"line {option.line}: cannot read {' '.join((name, *args))}")
    return result


MANY = True
"""A server block may have several."""


class Kubernetes(Quiet):
    """The plugin."""

    def __init__(self, wanted: Settings, environment: Environment):
        self._settings = wanted
        self._environment = environment
        self.records = Records(pods=wanted.pods, ignore_empty_service=wanted.ignore_empty)  # type: ignore[arg-type]
        self._component: Component | None = None
        self._task: asyncio.Task[None] | None = None
        self._serial = int(time.time())
        self.zone = next((z for z in wanted.zones if not _is_reverse(z)), dns.name.from_text("cluster.local."))

    async def start(self) -> None:
        """Follow the cluster."""
        component = self._component = Component("dns", self._environment.client(), troubles=self._environment.troubles)
        component.follow(NAMESPACES).subscribe(self._namespace)
        component.follow(SERVICES).subscribe(self._service)
        if self._settings.endpoints:
            component.follow(ENDPOINT_SLICES).subscribe(self._slice)
        if self._settings.pods == "verified":
            component.follow(PODS).subscribe(self._pod)
        component.task("first list", self._tell_synced, forever=False)
        self._task = asyncio.ensure_future(component.run())

    async def stop(self) -> None:
        """Stop following."""
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self._component:
            await self._component.client.close()

    def is_ready(self) -> bool:
        """Whether everything has been read once. What is known then stays good while the API server is away."""
        return self._component is not None and self._component.is_synced()

    async def ready(self) -> None:
        """Return once everything has been read."""
        if self._component:
            await self._component.synced()

    async def _tell_synced(self) -> None:
        await self.ready()
        self._environment.metrics.synced.set(1)
        log.info("synced")

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer for our zones."""
        zone = max(
            (z for z in self._settings.zones if query.name.is_subdomain(z)), key=lambda z: len(z.labels), default=None
        )
        if zone is None:
            return await next(query)
        if not self.is_ready():
            return Answer(respond(query, dns.rcode.SERVFAIL))
        if _is_reverse(zone):
            return await self._reverse(query, zone, next)
        labels = tuple(label.decode("utf-8", "replace").lower() for label in query.name.relativize(zone).labels)
        found = self.records.find(labels, dns.rdatatype.to_text(query.type))
        if found is None and self._falls_through(query.name):
            return await next(query)
        return await self._answer(query, zone, found)

    def _falls_through(self, name: dns.name.Name) -> bool:
        zones = self._settings.fallthrough
        return zones is not None and any(name.is_subdomain(z) for z in zones)

    async def _answer(self, query: Query, zone: dns.name.Name, found: Found | None) -> Answer:
        rcode = dns.rcode.NXDOMAIN if found is None else dns.rcode.NOERROR
        response = respond(query, rcode, authoritative=True)
        if found is None or not found.records:
            if found is not None and query.type == dns.rdatatype.SOA and query.name == zone:
                response.answer.append(self._soa(zone))
            else:
                response.authority.append(self._soa(zone))
            return Answer(response, lasting=True)
        at = self.zone if _is_reverse(zone) else zone
        response.answer = self._rrsets(found.records, at, query.name)
        response.additional = self._rrsets(found.extra, at)
        if found.records[0].type == "CNAME" and query.type != dns.rdatatype.CNAME:
            await self._chase(query, response, str(found.records[0].data))
            return Answer(response)
        return Answer(response, lasting=len(found.records) == 1)

    async def _chase(self, query: Query, response: dns.message.Message, target: str) -> None:
        """Add what an ExternalName's target holds, asked of this very server; the alias alone if there is no end."""
        if query.hops >= MOST_HOPS:
            return
        name = dns.name.from_text(target)
        asked = dns.message.make_query(name, query.type)
        answer = await self._environment.resolve(replace(query, message=asked, name=name, hops=query.hops + 1))
        response.answer.extend(answer.message.answer)

    async def _reverse(self, query: Query, zone: dns.name.Name, next: Handler) -> Answer:
        try:
            address = dns.reversename.to_address(query.name)
        except dns.exception.DNSException:
            address = ""
        names = self.records.reverse(address) if address else ()
        if not names and self._falls_through(query.name):
            return await next(query)
        records = tuple(Record((), "PTR", n) for n in names) if query.type == dns.rdatatype.PTR else ()
        return await self._answer(query, zone, Found(records) if names else None)

    def _rrsets(
        self, records: tuple[Record, ...], zone: dns.name.Name, owner: dns.name.Name | None = None
    ) -> list[dns.rrset.RRset]:
        """Return records of `zone` as sets; all are `owner`'s, if given."""
        found: dict[tuple[dns.name.Name, str], dns.rrset.RRset] = {}
        for record in records:
            name = owner or _absolute(record.name, zone)
            rdata = dns.rdata.from_text(IN, record.type, _data(record, zone))
            if (name, record.type) not in found:
                found[name, record.type] = dns.rrset.RRset(name, IN, rdata.rdtype)
            found[name, record.type].add(rdata, self._settings.ttl)
        return list(found.values())

    def _soa(self, zone: dns.name.Name) -> dns.rrset.RRset:
        """The zone's SOA; its negative TTL (RFC 2308) is ours, its serial the time of the last change."""
        text = f"ns.dns.{zone} hostmaster.{zone} {self._serial} {SOA_TIMES} {self._settings.ttl}"
        return dns.rrset.from_text(zone, self._settings.ttl, IN, dns.rdatatype.SOA, text)

    def _changed(self) -> None:
        self._serial = int(time.time())
        self._environment.changed()

    def _exposed(self, obj: Object | None, namespace: str) -> bool:
        return obj is not None and (not self._settings.namespaces or namespace in self._settings.namespaces)

    def _namespace(self, old: Object | None, new: Object | None) -> None:
        name = _name(old, new)[1]
        self.records.set_namespace(name, self._exposed(new, name))
        self._changed()

    def _service(self, old: Object | None, new: Object | None) -> None:
        key = _name(old, new)
        self.records.set_service(key, new if self._exposed(new, key[0]) else None)
        self._changed()

    def _slice(self, old: Object | None, new: Object | None) -> None:
        key = _name(old, new)
        self.records.set_slice(key, new if self._exposed(new, key[0]) else None)
        self._changed()

    def _pod(self, old: Object | None, new: Object | None) -> None:
        if self.records.set_pod(_name(old, new), next(iter(addresses(new)), "") if new else ""):
            self._changed()


def _absolute(labels: Labels, zone: dns.name.Name) -> dns.name.Name:
    return dns.name.Name([label.encode() for label in labels]).concatenate(zone)


def _data(record: Record, zone: dns.name.Name) -> str:
    if record.type == "TXT":
        return f'"{record.data!s}"'
    target = record.data if isinstance(record.data, str) else _absolute(record.data, zone).to_text()
    return f"0 {record.weight} {record.port} {target}" if record.type == "SRV" else target


def _name(old: Object | None, new: Object | None) -> Key:
    return metadata.key(new or old or {})


def _is_reverse(zone: dns.name.Name) -> bool:
    return zone.is_subdomain(REVERSE) or zone.is_subdomain(REVERSE6)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Kubernetes:
    """Make the plugin."""
    return Kubernetes(settings(directive, block), environment)
