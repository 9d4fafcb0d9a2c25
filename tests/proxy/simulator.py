"""An interpreter of the nft scripts this mode writes: loads the text, then tells where a packet would go.

It knows only the statements `layout.py` uses and fails loudly at any other, so a changed rule must be taught here.
Rules of an `ip6` table are read with `ip` for `ip6`: what differs between the families is then the addresses alone.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

from tests.proxy.build import ADDRESSES
from tests.proxy.families import told_in
from tests.proxy.outcome import DROP, PASS, REJECT, Outcome
from wherry.objects.family import Family

KEY = "ip daddr . meta l4proto . th dport"
ASKED = "ct original ip daddr . meta l4proto . ct original proto-dst"


@dataclass
class Table:
    """One table's chains and sets, brought up to date by scripts."""

    chains: dict[str, list[str]] = field(default_factory=dict)
    sets: dict[str, dict[str, str | None]] = field(default_factory=dict)

    def run(self, script: str) -> None:
        """Apply a script as nft does: all or (by an assertion) nothing."""
        lines = iter(re.sub(r"\bip6\b", "ip", script).splitlines())
        for line in lines:
            words = line.split()
            if not words:
                continue
            match words[:2]:
                case ["table", _]:
                    self._declare(lines)
                case ["add", "table"] | ["delete", "table"]:
                    self.chains, self.sets = {}, {}
                case ["add", "chain"]:
                    self.chains.setdefault(words[4], [])
                case ["flush", "table"]:
                    for rules in self.chains.values():
                        rules.clear()
                case ["flush", "chain"]:
                    self.chains[words[4]].clear()
                case ["delete", "chain"]:
                    name = words[4]
                    used = [s for s in self.sets.values() for v in s.values() if v and v.split()[-1] == name]
                    assert not used, f"{name} is still in use"
                    del self.chains[name]
                case ["add", "map"]:
                    self.sets.setdefault(words[4], {})
                case ["delete", "map"]:
                    assert not [r for rules in self.chains.values() for r in rules if f"@{words[4]} " in f"{r} "]
                    del self.sets[words[4]]
                case ["add", "rule"]:
                    self.chains[words[4]].append(" ".join(words[5:]))
                case ["flush", "map"] | ["flush", "set"]:
                    self.sets[words[4]].clear()
                case [verb, "element"]:
                    self._element(verb, self.sets[words[4]], line[line.index("{") + 1 : line.rindex("}")])
                case _:
                    raise AssertionError(f"unknown command: {line}")

    def _declare(self, lines: object) -> None:
        chain: list[str] | None = None
        for line in lines:  # type: ignore[attr-defined]
            text = line.strip()
            if line == "}":
                return
            if found := re.match(r"(?:map|set) (\S+) \{.*\}$", text):
                self.sets.setdefault(found[1], {})
            elif found := re.match(r"chain (\S+) \{$", text):
                chain = self.chains.setdefault(found[1], [])
            elif text == "}" or text.startswith("counter no-local-endpoints {"):
                chain = None
            elif chain is not None:
                chain.append(text)
            else:
                raise AssertionError(f"unknown declaration: {text}")

    @staticmethod
    def _element(verb: str, elements: dict[str, str | None], text: str) -> None:
        for item in text.split(","):
            key, _, data = item.strip().partition(" : ")
            if verb == "add":
                assert elements.get(key, data or None) == (data or None), f"{key} is there with other data"
                elements[key] = data or None
            else:
                del elements[key]  # KeyError: nft would refuse

    def normal(self) -> dict[str, object]:
        """Return the contents with slots unordered: two tables with equal ones treat packets alike."""
        slots: dict[str, dict[str, set[str]]] = {}
        for name in [n for n in self.sets if n.endswith("endpoints")]:
            for key, data in self.sets[name].items():
                at, _, slot = key.rpartition(" . ")
                entry = slots.setdefault(f"{name} {at}", {"slots": set(), "to": set()})
                entry["slots"].add(slot)
                entry["to"].add(str(data))
        others = {n: e for n, e in self.sets.items() if not n.endswith("endpoints") and "affinity" not in n}
        return {"chains": self.chains, "slots": slots, **others}


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection, and what happened to it so far."""

    saddr: str
    daddr: str
    protocol: str
    dport: int
    asked: tuple[str, int] | None = None
    masqueraded: bool = False

    @property
    def key(self) -> str:
        return f"{self.daddr} . {self.protocol} . {self.dport}"

    @property
    def asked_key(self) -> str:
        assert self.asked
        return f"{self.asked[0]} . {self.protocol} . {self.asked[1]}"


class Simulator:
    """Sends packets through a table."""

    def __init__(self, table: Table, family: Family = Family.V4):
        self.table = table
        self._addresses = told_in(family, ADDRESSES)
        self._names = {address: name for name, address in self._addresses.items()}

    def send(self, source: str, destination: str, port: int, protocol: str = "tcp") -> Outcome:
        """Return what becomes of a new connection, all random choices taken together."""
        packet = Packet(self._addresses[source], destination, protocol, port)
        result = self._chain("output" if source == "host" else "prerouting", packet)
        if isinstance(result, Outcome):
            return result
        if isinstance(result, Packet):
            return PASS
        ends = {self._leave(replace(packet, daddr=a, dport=p, asked=(destination, port))) for a, p in result}
        (masqueraded,) = {e.masqueraded for e in ends}
        return Outcome("to", frozenset(self._names[e.daddr] for e in ends), masqueraded)

    def _leave(self, packet: Packet) -> Packet:
        hook = "input" if packet.daddr == self._addresses["host"] else "postrouting"
        result = self._chain(hook, packet)
        assert isinstance(result, Packet)
        return result

    def _chain(self, name: str, packet: Packet) -> Outcome | Packet | list[tuple[str, int]]:
        """Walk a chain; an unchanged packet means it fell off the end."""
        for rule in self.table.chains[name]:
            if rule.startswith("type nat hook"):
                continue
            rest, matched = self._match(rule, packet)
            if not matched:
                continue
            verdict = self._verdict(rest, packet)
            if verdict == "return":
                return packet
            if verdict is None:
                continue
            if isinstance(verdict, str):
                how, chain = verdict.split()
                result = self._chain(chain, packet)
                if how == "jump" and result is packet:
                    continue
                return result
            return verdict
        return packet

    def _match(self, rule: str, packet: Packet) -> tuple[str, bool]:
        """Eat the matches at the front of a rule; return the rest, and whether all matched."""
        while True:
            for pattern, test in self._tests(packet):
                if found := re.match(pattern, rule):
                    if not test(*found.groups()):
                        return "", False
                    rule = rule[found.end() :].strip()
                    break
            else:
                return rule, True

    def _tests(self, packet: Packet):  # type: ignore[no-untyped-def]
        sets = self.table.sets

        def ranged(name: str) -> bool:
            prefix = f"{packet.key} . "
            cidrs = [k.removeprefix(prefix) for k in sets[name] if k.startswith(prefix)]
            return _inside(packet.saddr, ", ".join(cidrs))

        yield r"ip saddr \{ ([^}]*) \}", lambda c: _inside(packet.saddr, c)
        yield r"ip saddr != \{ ([^}]*) \}", lambda c: not _inside(packet.saddr, c)
        yield r"ip daddr \{ ([^}]*) \}", lambda c: _inside(packet.daddr, c)
        yield r"ip daddr @(\S+)", lambda s: packet.daddr in sets[s]
        yield r"ct original ip daddr @(\S+)", lambda s: packet.asked is not None and packet.asked[0] in sets[s]
        yield r"ip saddr \. ip daddr @(\S+)", lambda s: f"{packet.saddr} . {packet.daddr}" in sets[s]
        yield r"fib saddr type local", lambda: packet.saddr == self._addresses["host"]
        yield r"ct status ! dnat", lambda: packet.asked is None
        yield r"ct status dnat", lambda: packet.asked is not None
        yield r"meta l4proto (tcp|udp)", lambda p: packet.protocol == p
        yield r"meta l4proto \{ tcp, udp, sctp \}", lambda: True
        yield rf"{re.escape(KEY)} \. ip saddr @(\S+)", ranged

    def _verdict(self, rest: str, packet: Packet) -> Outcome | Packet | list[tuple[str, int]] | str | None:
        sets = self.table.sets
        if found := re.fullmatch(rf"({re.escape(KEY)}|{re.escape(ASKED)}) vmap @(\S+)", rest):
            return sets[found[2]].get(packet.key if found[1] == KEY else packet.asked_key)
        if found := re.fullmatch(r"dnat ip to ip daddr \. (\w+) dport \. numgen random mod (\d+) map @(\S+)", rest):
            assert packet.protocol == found[1]
            slots = [sets[found[3]][f"{packet.daddr} . {packet.dport} . {n}"] for n in range(int(found[2]))]
            return [_address(s) for s in slots]
        if re.fullmatch(rf"dnat ip to ip saddr \. {re.escape(KEY)} map @affinity", rest):
            bound = sets["affinity"].get(f"{packet.saddr} . {packet.key}")
            return [_address(bound)] if bound else None
        if found := re.fullmatch(r"dnat ip to ip saddr map @(\S+) : ip saddr map @(\S+)", rest):
            address, number = (sets[name].get(packet.saddr) for name in found.groups())
            return [(address, int(number))] if address and number else None
        if rest.startswith("update @affinity "):
            sets["affinity"][f"{packet.saddr} . {packet.asked_key}"] = f"{packet.daddr} . {packet.dport}"
            return None
        if found := re.fullmatch(r"update @(\S+) {[^}]*: ip daddr } update @(\S+) {[^}]*: th dport }", rest):
            sets[found[1]][packet.saddr], sets[found[2]][packet.saddr] = packet.daddr, str(packet.dport)
            return None
        if rest.startswith("reject"):
            return REJECT
        if rest.startswith("masquerade"):
            return replace(packet, masqueraded=True)
        if rest in ("drop", 'counter name "no-local-endpoints" drop'):
            return DROP
        if rest == "return" or re.fullmatch(r"(goto|jump) \S+", rest):
            return rest
        raise AssertionError(f"unknown statement: {rest}")


def _inside(address: str, cidrs: str) -> bool:
    return any(ip_address(address) in ip_network(c.strip()) for c in cidrs.split(",") if c.strip())


def _address(text: str | None) -> tuple[str, int]:
    assert text
    address, _, port = text.partition(" . ")
    return address, int(port)


def listed(text: str) -> dict[str, dict[str, str | None]]:
    """Return the sets of a table as `nft list table` prints it."""
    sets: dict[str, dict[str, str | None]] = {}
    for name, body in re.findall(r"\t(?:map|set) (\S+) \{\n(.*?)\n\t\}", text, re.DOTALL):
        elements = sets[name] = {}
        if found := re.search(r"elements = \{(.*)\}", body, re.DOTALL):
            for item in found[1].split(","):
                key, _, data = item.strip().partition(" : ")
                elements[key] = data or None
    return sets
