"""Choosing a free number: a Service's address or node port that was not asked for by value.

The lower part of the range is left to people who pick values themselves, and used only when the upper one is full
(KEP-3070 for addresses, KEP-3668 for node ports). The record of what is taken is `claims`.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from ipaddress import IPv4Address, IPv6Address

from wherry.objects.errors import InternalError
from wherry.objects.family import Family, Network, network_family

Pick = Callable[[int], int]
"""Return a random number from 0 up to, and without, its argument."""


def static_addresses(size: int) -> int:
    """Return how many addresses at the start of a network of `size` are left to people: 16 to 256, a 16th."""
    return _band(size, 16, 16, 256)


def static_ports(size: int) -> int:
    """Return how many ports at the start of a range of `size` are left to people: 16 to 128, a 32nd."""
    return _band(size, 32, 16, 128)


def _band(size: int, divisor: int, low: int, high: int) -> int:
    return 0 if size < low else max(low, min(size // divisor, high))


def free_port(ports: range, used: Callable[[int], bool], pick: Pick = secrets.randbelow) -> int:
    """Return a node port of `ports` that is not `used`; raises `InternalError` when there is none."""
    split = static_ports(len(ports))
    for band in (ports[split:], ports[:split]):
        if (found := _free(len(band), lambda i, band=band: used(band[i]), pick)) is not None:  # type: ignore[misc]
            return band[found]
    raise InternalError.of("failed to allocate a nodePort: range is full")


def free_address(networks: Sequence[Network], used: Callable[[str], bool], pick: Pick = secrets.randbelow) -> str:
    """Return an address of one of `networks` that is not `used`; raises `InternalError` when there is none.

    Addresses that are no host's are never given out (`usable`).
    """
    for network in networks:
        if (found := _free_of(network, used, pick)) is not None:
            return found
    raise InternalError.of("failed to allocate a serviceIP: range is full")


def _free_of(network: Network, used: Callable[[str], bool], pick: Pick) -> str | None:
    count = usable(network)
    split = static_addresses(network.num_addresses)
    for start, end in ((split, count), (0, min(split, count))):

        def taken(i: int, start: int = start) -> bool:
            return used(str(network[1 + start + i]))

        if (found := _free(end - start, taken, pick)) is not None:
            return str(network[1 + start + found])
    return None


def usable(network: Network) -> int:
    """Return how many addresses from the network's second on can be given out.

    The first is the network's own (for IPv6 any router's), and the last of an IPv4 network is everybody's (broadcast).
    """
    return network.num_addresses - (2 if network_family(network) is Family.V4 else 1)


def holds(network: Network, address: IPv4Address | IPv6Address) -> bool:
    """Return whether an address of the network can be given out."""
    return address in network and 1 <= int(address) - int(network[0]) <= usable(network)


def _free(size: int, taken: Callable[[int], bool], pick: Pick) -> int | None:
    """Return the first free index from a random one on, around the end, or None."""
    if size <= 0:
        return None
    start = pick(size)
    return next((i for n in range(size) if not taken(i := (start + n) % size)), None)
