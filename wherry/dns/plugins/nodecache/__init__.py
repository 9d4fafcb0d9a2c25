"""nodecache ADDRESS...: a cache on every node, at addresses of its own (as NodeLocal DNSCache, KEP-1024)."""

from __future__ import annotations

from ipaddress import ip_address

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Quiet
from wherry.net.links import Links
from wherry.net.namespaces import on_own_thread

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
    name, wanted = _interface(directive), addresses(directive)
    try:
        on_own_thread(lambda: _make(name, wanted))  # the library wants an event loop of its own
    except OSError as error:
        raise directive.error(f"interface {name} cannot be made: {error} (it needs CAP_NET_ADMIN)") from error


def _make(name: str, wanted: list[str]) -> None:
    with Links() as links:
        links.bridge(name)  # one without ports: a dummy link does the same, but not every kernel has those
        for address in wanted:
            links.address(name, address, ip_address(address).max_prefixlen)


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
