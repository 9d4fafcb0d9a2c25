"""Resource quantities (`250m`, `1.5Gi`, `2e3`): parsing, comparing, the canonical text.

A quantity is kept exactly as a whole number of billionths; finer input is rounded away from zero, and binary amounts
are capped at 2^63-1, as Kubernetes does. Source: k8s.io/apimachinery pkg/api/resource quantity.go, suffix.go.
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
    """An amount in billionths, with the notation it was written in (DecimalSI, BinarySI or DecimalExponent).

    `written` is the given text where that counts as canonical already.
    """

    nano: int
    notation: str = field(default="DecimalSI", compare=False)
    written: str = field(default="", compare=False)

    @property
    def milli(self) -> int:
        """The amount in thousandths, rounded up: millicores of `cpu`."""
        return -(-self.nano // 10**6)

    @property
    def whole(self) -> int:
        """The amount in units, rounded up: bytes of `memory`, a count."""
        return -(-self.nano // NANO)

    def __str__(self) -> str:
        if self.written:
            return self.written
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
    while nano % 1000 == 0 and (exponent_form or exponent < 18):
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
    notation, exponent = _interpret(suffix)
    numerator = int((whole + fraction) or "0") * NANO
    denominator = 10 ** len(fraction)
    if notation == "BinarySI":
        numerator <<= exponent
    elif exponent >= 0:
        numerator *= 10**exponent
    else:
        denominator *= 10**-exponent
    nano = -(-numerator // denominator)
    if notation == "BinarySI":
        nano = min(nano, _MAX)
    reused = text if _is_canonical(whole.lstrip("0"), fraction, notation, exponent) else ""
    return Quantity(-nano if sign == "-" else nano, notation, reused)


def _is_canonical(whole: str, fraction: str, notation: str, exponent: int) -> bool:
    """Return whether Kubernetes keeps the text as written: a shortcut of its parser, so `1.234` stays."""
    digits = (whole or "0") + fraction
    if notation == "BinarySI":
        return not fraction and len(whole) + int(exponent * 0.3) < 15 and int(digits) & 7 != 0
    scale = exponent - len(fraction)
    fits = len(digits) <= 18 and scale >= -9
    return fits and scale % 3 == 0 and digits[0] != "0" and not digits.endswith("000")


def _interpret(suffix: str) -> tuple[str, int]:
    """Return the notation a suffix belongs to and its power (of ten, of two in BinarySI)."""
    if suffix in _DECIMAL:
        return "DecimalSI", _DECIMAL[suffix]
    if suffix in _BINARY:
        return "BinarySI", _BINARY[suffix]
    # No amount needs an exponent of four digits; refusing them keeps the arithmetic small.
    if re.fullmatch("[eE][-+]?[0-9]{1,3}", suffix):
        return "DecimalExponent", int(suffix[1:])
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
