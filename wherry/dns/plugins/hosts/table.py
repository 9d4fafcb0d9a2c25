"""Names and addresses as /etc/hosts has them (hosts(5)): pure."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address

from wherry.dns import names
from wherry.dns.errors import CorefileError


class Table:
    """The addresses of each name, and the names of each address; what is wrong in a line is passed over."""

    def __init__(self, *sources: Iterable[str]):
        self.by_name: dict[bytes, list[str]] = {}
        self.by_address: dict[str, list[bytes]] = {}
        for source in sources:
            for line in source:
                self._add(line.partition("#")[0].split())

    def __len__(self) -> int:
        return sum(map(len, self.by_name.values()))

    def _add(self, words: list[str]) -> None:
        if len(words) < 2:
            return
        try:
            address = str(ip_address(words[0].partition("%")[0]))
            found = [names.of_text(word) for word in words[1:]]
        except (ValueError, CorefileError):
            return
        for name in found:
            addresses = self.by_name.setdefault(name, [])
            if address not in addresses:
                addresses.append(address)
            reverse = self.by_address.setdefault(address, [])
            if name not in reverse:
                reverse.append(name)
