"""What the directive says; its options are in the README."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from wherry.dns.corefile import Directive, Option, ServerBlock
from wherry.dns.durations import seconds

CAPACITY = 9984  # CoreDNS's default for each of its two caches
LONGEST_TTL = 3600
LONGEST_DENIAL_TTL = 1800
SHORTEST_TTL = 5
SERVFAIL_SECONDS = 5.0
LONGEST_SERVFAIL_SECONDS = 300.0  # RFC 2308, section 7.1
STALE_SECONDS = 3600.0

Sort = Literal["success", "denial"]


@dataclass(slots=True)
class TtlLimits:
    """How many answers of one sort are kept, for how many seconds; names below `disabled` are not."""

    longest: int
    capacity: int = CAPACITY
    shortest: int = SHORTEST_TTL
    disabled: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class Prefetch:
    """Fetch anew what was asked for `amount` times with no gap of `gap` seconds, when `share` of its time is left."""

    amount: int
    gap: float = 60.0
    share: float = 0.1


@dataclass(frozen=True, slots=True)
class Stale:
    """Give answers for so many seconds after they ran out; `verify`: only where upstream does not answer."""

    seconds: float = STALE_SECONDS
    verify: bool = False


@dataclass
class Settings:
    """What the directive asks for."""

    zones: tuple[bytes, ...]
    limits: dict[Sort, TtlLimits]
    servfail_seconds: float = SERVFAIL_SECONDS
    prefetch: Prefetch | None = None
    stale: Stale | None = None
    keep_ttl: bool = False


def settings(directive: Directive, block: ServerBlock) -> Settings:
    """Read the directive; raises CorefileError."""
    args = list(directive.args)
    ttl = int(args.pop(0)) if args and args[0].isdigit() else LONGEST_TTL
    zones = directive.zones(args) or block.zones()
    limits: dict[Sort, TtlLimits] = {
        "success": TtlLimits(min(ttl, LONGEST_TTL)),
        "denial": TtlLimits(min(ttl, LONGEST_DENIAL_TTL)),
    }
    result = Settings(zones, limits)
    for option in directive.options:
        _read(option, directive, result)
    return result


def _read(option: Option, directive: Directive, result: Settings) -> None:
    match option.name, option.args:
        case "success" | "denial" as sort, numbers if 1 <= len(numbers) <= 3 and all(n.isdigit() for n in numbers):
            limits = result.limits[sort]
            for name, number in zip(("capacity", "longest", "shortest"), numbers, strict=False):
                setattr(limits, name, int(number))
        case "servfail", (duration,):
            result.servfail_seconds = seconds(duration, directive)
            if result.servfail_seconds > LONGEST_SERVFAIL_SECONDS:
                raise directive.error(f"{option.at}: failures may be kept for 5m at most")
        case "disable", ("success" | "denial" as sort, *zones):
            result.limits[sort].disabled = directive.zones(zones) or result.zones
        case "prefetch", (amount, *more) if amount.isdigit() and len(more) <= 2:
            result.prefetch = _prefetch(int(amount), more, option, directive)
        case "serve_stale", words if len(words) <= 2 and words[1:] in ((), ("immediate",), ("verify",)):
            how_long = seconds(words[0], directive) if words else STALE_SECONDS
            result.stale = Stale(how_long, "verify" in words)
        case "keepttl", ():
            result.keep_ttl = True
        case _:
            raise directive.unknown(option)


def _prefetch(amount: int, more: list[str], option: Option, directive: Directive) -> Prefetch | None:
    gap = seconds(more[0], directive) if more else 60.0
    share = more[1].removesuffix("%") if len(more) > 1 else "10"
    if not share.isdigit() or not 10 <= int(share) <= 90:
        raise directive.unknown(option)
    return Prefetch(amount, gap, int(share) / 100) if amount else None
