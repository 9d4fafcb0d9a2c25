"""nodecache ADDRESS...: a cache on every node, at addresses of its own (as NodeLocal DNSCache, KEP-1024)."""

from __future__ import annotations

from ipaddress import ip_address

from pyroute2 import IPRoute
from pyroute2.netlink.exceptions import NetlinkError

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Quiet

INTERFACE = "nodelocaldns"


def addresses(directive: Directive) -> list[str]:
    """Return the addresses to listen on; raises CorefileError."""
    try:
        found = [str(ip_address(word)) for word in directive.args]
    except ValueError as error:
        raise directive.error(str(error)) from error
    if not found:
        raise directive.error("needs an address, as a rule 169.254.20.10")
    return found


def prepare(directive: Directive) -> None:
    """Make the interface and its addresses, before anything listens there; what is there stays. Raises CorefileError.

    Nobody takes them away: the next process finds them, and meanwhile no query goes elsewhere.
    """
    name = _interface(directive)
    try:
        with IPRoute() as route:
            if not route.link_lookup(ifname=name):
                route.link("add", ifname=name, kind="dummy")
            (index,) = route.link_lookup(ifname=name)
            route.link("set", index=index, state="up")
            there = {dict(message["attrs"])["IFA_ADDRESS"] for message in route.get_addr(index=index)}
            for address in set(addresses(directive)) - there:
                route.addr("add", index=index, address=address, prefixlen=ip_address(address).max_prefixlen)
    except NetlinkError as error:
        raise directive.error(f"interface {name} cannot be made: {error.args[1]} (it needs CAP_NET_ADMIN)") from error


def _interface(directive: Directive) -> str:
    name = INTERFACE
    for option in directive.options:
        if option.name != "interface" or len(option.args) != 1:
            raise directive.unknown(option)
        name = option.args[0]
    return name


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Quiet:
    """Make the plugin, which does nothing more: `addresses` and `prepare` have."""
    _interface(directive)
    return Quiet()
