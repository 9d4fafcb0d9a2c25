"""What `iptables-save` prints, read (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from wherry.proxy.modes.iptables.names import PREFIXES
from wherry.proxy.modes.iptables.rules import Chain


@dataclass(frozen=True, slots=True)
class Saved:
    """The chains of all tables, the kernel's and everybody's, with their rules."""

    chains: dict[Chain, list[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> Saved:
        """Read what was printed."""
        saved, table = cls(), ""
        for line in text.splitlines():
            if line.startswith("*"):
                table = line[1:].strip()
            elif line.startswith(":"):
                saved.chains[table, line[1:].split()[0]] = []
            elif found := _RULE.match(line):
                saved.chains.setdefault((table, found[1]), []).append(found[2])
        return saved

    def of_services(self) -> set[Chain]:
        """Return the chains that some proxy made for a service port."""
        return {chain for chain in self.chains if chain[1].startswith(PREFIXES)}


_RULE = re.compile(r"-A (\S+) (.*)$")
