"""What the directive says; its options are in the README."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

from wherry.dns.corefile import Directive, Option, ServerBlock
from wherry.dns.plugins.rrl.accounts import SECOND

Kind = Literal["responses", "nodata", "nxdomains", "referrals", "errors"]
KINDS: tuple[Kind, ...] = get_args(Kind)
PER_SECOND = "-per-second"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the directive asks for. `intervals` and `requests`: nanoseconds in which one is allowed, 0: any number."""

    zones: tuple[bytes, ...]
    window: int  # nanoseconds
    prefixes: tuple[int, int]  # bits of an IPv4 address, and of an IPv6 address
    intervals: dict[Kind, int]
    requests: int
    slip: int  # of so many answers withheld one is sent cut; 0: none
    most: int
    report_only: bool


def settings(directive: Directive, block: ServerBlock) -> Settings:
    """Read the directive; raises CorefileError."""
    read = _Reader(directive)
    responses = read.interval("responses", 0)
    intervals: dict[Kind, int] = {kind: read.interval(kind, responses) for kind in KINDS}
    result = Settings(
        zones=directive.zones(directive.args) or block.zones(),
        window=round(read.number("window", 15.0, least=1e-9) * SECOND),
        prefixes=(read.whole("ipv4-prefix-length", 24, 1, 32), read.whole("ipv6-prefix-length", 56, 1, 128)),
        intervals=intervals,
        requests=read.interval("requests", 0),
        slip=read.whole("slip-ratio", 0, 0),
        most=read.whole("max-table-size", 100_000, 0),
        report_only=read.flag("report-only"),
    )
    read.end()
    return result


class _Reader:
    """The options not read yet, by name: the last of a name counts."""

    def __init__(self, directive: Directive):
        self._directive = directive
        self._options = {option.name: option for option in directive.options}

    def number(self, name: str, default: float, *, least: float) -> float:
        option = self._options.pop(name, None)
        if option is None:
            return default
        number = _float(option)
        if number is None or number < least:
            raise self._directive.unknown(option)
        return number

    def whole(self, name: str, default: int, least: int, most: int | None = None) -> int:
        option = self._options.pop(name, None)
        if option is None:
            return default
        if len(option.args) == 1 and option.args[0].isdecimal():
            number = int(option.args[0])
            if number >= least and (most is None or number <= most):
                return number
        raise self._directive.unknown(option)

    def interval(self, kind: str, default: int) -> int:
        """Return the time in which one is allowed."""
        name = kind + PER_SECOND
        if name not in self._options:
            return default
        allowance = self.number(name, 0.0, least=0.0)
        return max(1, round(SECOND / allowance)) if allowance else 0

    def flag(self, name: str) -> bool:
        option = self._options.pop(name, None)
        if option and option.args:
            raise self._directive.unknown(option)
        return option is not None

    def end(self) -> None:
        for option in self._options.values():
            raise self._directive.unknown(option)


def _float(option: Option) -> float | None:
    """Return an option's one word as a number, if it is one."""
    try:
        (word,) = option.args
        number = float(word)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
