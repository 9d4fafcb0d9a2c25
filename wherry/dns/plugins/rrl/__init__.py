"""rrl [ZONES...]: how many responses a second clients of one network get (CoreDNS's external plugin rrl)."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable
from functools import lru_cache, partial
from ipaddress import ip_address

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.metrics import Metrics
from wherry.dns.plugins.rrl.accounts import Accounts
from wherry.dns.plugins.rrl.settings import Kind, Settings, settings
from wherry.dns.query import NOERROR, NXDOMAIN, Answer, Gate, Handler, Query, Quiet, Verdict
from wherry.dns.wire.record import NS

MOST_CLIENTS = 1000
"""Networks the metrics name: whoever makes up source addresses makes up as many as he likes."""


class Rrl(Quiet):
    """The plugin. `clock` gives nanoseconds."""

    def __init__(self, wanted: Settings, metrics: Metrics, clock: Callable[[], int] = time.monotonic_ns):
        self._settings = wanted
        self._metrics = metrics
        self._accounts = Accounts(wanted.window, wanted.most, clock, metrics.rrl_untracked.inc)
        self._network = lru_cache(maxsize=4096)(partial(_network, wanted.prefixes))
        self._named: set[str] = set()

    async def serve(self, query: Query, next: Handler) -> Answer:
        """Answer, unless this network has had its share. Questions of our own have no client."""
        if not query.data or query.zone_of(self._settings.zones) is None:
            return await next(query)
        network = self._network(query.client)
        if self._too_many_requests(network):
            return Answer(None, why=f"rrl: {network} asks too often")
        answer = await next(query)
        if answer.rcode is None:
            return answer
        if query.transport != "udp":  # who has shaken hands is who he says
            return answer._replace(keep=None) if self._settings.requests else answer
        account = _account(query, answer)
        if answer.keep:
            gate = partial(self._again, account, answer.keep.gate)
            answer = answer._replace(keep=answer.keep._replace(gate=gate))
        match self._verdict(network, account):
            case Verdict.DROP:
                return Answer(None, whole=answer, why=f"rrl: {network} has had its share of such answers")
            case Verdict.CUT:
                why = f"{answer.why}; rrl: cut, so that it is asked over TCP"
                return answer._replace(largest=0, keep=None, whole=answer, why=why)
        return answer

    def _again(self, account: tuple[Kind, int, bytes], below: Gate | None, client: str) -> Verdict:
        """Say what is to become of a kept answer; one of the plugins below may have something to say, too."""
        if below and (verdict := below(client)) is not Verdict.SEND:
            return verdict
        network = self._network(client)
        return Verdict.DROP if self._too_many_requests(network) else self._verdict(network, account)

    def _too_many_requests(self, network: str) -> bool:
        wanted = self._settings
        if not wanted.requests or not self._accounts.debit(network, wanted.requests):
            return False
        self._metrics.rrl_requests.labels(self._label(network)).inc()
        return not wanted.report_only

    def _verdict(self, network: str, account: tuple[Kind, int, bytes]) -> Verdict:
        wanted = self._settings
        interval = wanted.intervals[account[0]]
        if not interval:
            return Verdict.SEND
        key: Hashable = network, account
        withheld = self._accounts.debit(key, interval)
        if not withheld:
            return Verdict.SEND
        self._metrics.rrl_responses.labels(self._label(network)).inc()
        if wanted.report_only:
            return Verdict.SEND
        return Verdict.CUT if wanted.slip and withheld % wanted.slip == 0 else Verdict.DROP

    def _label(self, network: str) -> str:
        if len(self._named) < MOST_CLIENTS:
            self._named.add(network)
        return network if network in self._named else "other"


def _network(prefixes: tuple[int, int], client: str) -> str:
    """Return the network a client is counted with."""
    address = ip_address(client.partition("%")[0])
    host_bits = address.max_prefixlen - prefixes[address.version == 6]
    first = type(address)(int(address) >> host_bits << host_bits)
    return f"{first}/{address.max_prefixlen - host_bits}"


def _account(query: Query, answer: Answer) -> tuple[Kind, int, bytes]:
    """Return what an answer is counted with: for whom nothing is, one name is as good as another (BIND 9 ARM)."""
    if answer.answer:
        return "responses", query.type, query.name
    zone = answer.authority[0].name if answer.authority else b""
    if answer.rcode == NXDOMAIN:
        return "nxdomains", 0, zone
    if answer.rcode != NOERROR:
        return "errors", 0, b""
    if answer.authority and answer.authority[0].type == NS:
        return "referrals", query.type, zone
    return "nodata", 0, query.name


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Rrl:
    """Make the plugin."""
    return Rrl(settings(directive, block), environment.metrics)
