"""bind ADDRESS|INTERFACE...: where the server block listens, instead of everywhere."""

from __future__ import annotations

import ipaddress
import socket

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Quiet
from wherry.net.namespaces import on_own_thread

MANY = True
"""A server block may have several."""


def addresses(directive: Directive) -> list[str]:
    """Return the addresses to listen on; raises CorefileError."""
    if not directive.args:
        raise directive.error("needs an address or an interface")
    excepted: list[str] = []
    for option in directive.options:
        if option.name != "except" or not option.args:
            raise directive.unknown(option)
        excepted += _of(option.args, directive)
    return [address for address in _of(directive.args, directive) if address not in excepted]


def _of(words: tuple[str, ...], directive: Directive) -> list[str]:
    found: list[str] = []
    for word in words:
        try:
            found.append(str(ipaddress.ip_address(word)))
        except ValueError:
            found += _interface(word, directive)
    return list(dict.fromkeys(found))


def _interface(name: str, directive: Directive) -> list[str]:
    """Return the addresses of an interface; those of a link alone are left out."""
    try:
        index = socket.if_nametoindex(name)
    except OSError as error:
        raise directive.error(f"{name} is neither an address nor an interface here") from error
    found = on_own_thread(lambda: _addresses(index))  # pyroute2 wants an event loop of its own
    usable = [address for address in found if not ipaddress.ip_address(address).is_link_local]
    if not usable:
        raise directive.error(f"{name} has no address")
    return usable


def _addresses(index: int) -> list[str]:
    from pyroute2 import IPRoute  # takes a fifth of our start, and most name an address

    with IPRoute() as route:
        return [dict(message["attrs"])["IFA_ADDRESS"] for message in route.get_addr(index=index)]


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Quiet:
    """Make the plugin, which does nothing: `addresses` has said it all."""
    return Quiet()
