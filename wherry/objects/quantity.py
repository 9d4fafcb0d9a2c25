"""Resource quantities (`250m`, `1.5Gi`, `2e3`): parsing, comparing, the canonical text.

A quantity is kept exactly as a whole number of billionths; finer input is rounded away from zero and magnitudes are
capped at 2^63-1, as Kubernetes does. Source: k8s.io/apimachinery pkg/api/resource quantity.go, suffix.go.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

NANO = 10**9
_MAX = (2**63 - 1) * NANO
_PATTERN = "^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$"
_split = re.compile(r"([+-]?)([0-9]*)(?:\.([0-9]*))?([eEinumkKMGTP]*[-+]?[0-9]*)")
_DECIMAL = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
_DECIMAL_SUFFIX = {exponent: suffix for suffix, exponent in _DECIMAL.items()}
_BINARY_SUFFIX = {bits: suffix for suffix, bits in _BINARY.items()} | {0: ""}


@dataclass(frozen=True, slots=True, order=True)
class Quantity:
    """An amount in billionths, with the notation it was written in (DecimalSI, BinarySI or DecimalExponent)."""

    nano: int
    notation: str = field(default="DecimalSI", compare=False)

    @property
    def milli(self) -> int:
        """The amount in thousandths, rounded up: millicores of `cpu`."""
        return -(-self.nano // 10**6)

    @property
    def whole(self) -> int:
        """The amount in units, rounded up: bytes of `memory`, a count."""
        return -(-self.nano // NANO)

    def __str__(self) -> str:
        if self.notation == "BinarySI" and abs(self.nano) >= 1024 * NANO and self.nano % NANO == 0:
            return _binary(self.nano // NANO)
        return _decimal(self.nano, exponent_form=self.notation == "DecimalExponent")


def _binary(units: int) -> str:
    bits = 0
    while units % 1024 == 0 and bits < 60:
        units //= 1024
        bits += 10
    return f"{units}{_BINARY_SUFFIX[bits]}"


def _decimal(nano: int, *, exponent_form: bool) -> str:
    if nano == 0:
        return "0"
    exponent = -9
    while nano % 1000 == 0 and exponent < 18:
        nano //= 1000
        exponent += 3
    if exponent_form:
        return f"{nano}e{exponent}" if exponent else str(nano)
    return f"{nano}{_DECIMAL_SUFFIX[exponent]}"


def parse(value: str | int | float) -> Quantity:
    """Return the quantity a JSON string or number stands for; ValueError with Kubernetes' text where it is none."""
    return _parse(value if isinstance(value, str) else repr(value))


@lru_cache(maxsize=4096)
def _parse(text: str) -> Quantity:
    match = _split.fullmatch(text)
    if match is None or not text:
        raise ValueError(f"quantities must match the regular expression '{_PATTERN}'")
    sign, whole, fraction, suffix = match.groups()
    fraction = fraction or ""
    if not whole and not fraction and suffix:
        raise ValueError("unable to parse numeric part of quantity")
    notation, base, exponent = _interpret(suffix)
    numerator = int((whole + fraction) or "0") * NANO
    denominator = 10 ** len(fraction)
    if exponent >= 0:
        numerator *= base ** min(exponent, 64)  # beyond 10^64 everything is over the cap already
    else:
        denominator *= base ** min(-exponent, 4096)
    nano = min(-(-numerator // denominator), _MAX)
    return Quantity(-nano if sign == "-" else nano, notation)


def _interpret(suffix: str) -> tuple[str, int, int]:
    if suffix in _DECIMAL:
        return "DecimalSI", 10, _DECIMAL[suffix]
    if suffix in _BINARY:
        return "BinarySI", 2, _BINARY[suffix]
    if suffix[0] in "eE":
        try:
            return "DecimalExponent", 10, int(suffix[1:])
        except ValueError:
            pass
    raise ValueError("unable to parse quantity's suffix")


def canonical(value: str | int | float) -> str:
    """Return the text the API server stores: no fraction, the largest suffix without loss (`0.5` is `500m`)."""
    return str(parse(value))


def compare(a: str | int | float, b: str | int | float) -> int:
    """Return -1, 0 or 1 as `a` is below, equal to or above `b`."""
    left, right = parse(a).nano, parse(b).nano
    return (left > right) - (left < right)


def milli(value: str | int | float) -> int:
    """Return the amount in thousandths, rounded up."""
    return parse(value).milli


def whole(value: str | int | float) -> int:
    """Return the amount in units, rounded up."""
    return parse(value).whole
