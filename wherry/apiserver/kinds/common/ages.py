"""How long ago something happened, as `kubectl get` prints it.

Source of the steps: k8s.io/apimachinery pkg/util/duration/duration.go (HumanDuration).
"""

from __future__ import annotations

import time

from wherry.objects import Object, timestamps

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400
UNKNOWN = "<unknown>"


def human(seconds: float) -> str:
    """Return two or three significant digits of a duration in seconds: `119s`, `2m5s`, `3h20m`, `8d`, `2y3d`."""
    total = int(seconds)
    if total < -1:
        return "<invalid>"
    total = max(total, 0)
    for limit, unit, letter, below, below_letter in _STEPS:
        if total < limit:
            rest = total % unit // below if below else 0
            return f"{total // unit}{letter}{rest}{below_letter}" if rest else f"{total // unit}{letter}"
    return f"{total // _YEAR}y"


# Below `limit` seconds: whole `unit`s, followed by the rest in units of `below` where that still matters.
_STEPS = (
    (2 * _MINUTE, 1, "s", 0, ""),
    (10 * _MINUTE, _MINUTE, "m", 1, "s"),
    (3 * _HOUR, _MINUTE, "m", 0, ""),
    (8 * _HOUR, _HOUR, "h", _MINUTE, "m"),
    (48 * _HOUR, _HOUR, "h", 0, ""),
    (8 * _DAY, _DAY, "d", _HOUR, "h"),
    (2 * _YEAR, _DAY, "d", 0, ""),
    (8 * _YEAR, _YEAR, "y", _DAY, "d"),
)


def since(timestamp: str | None, now: float | None = None) -> str:
    """Return the time since an RFC 3339 `timestamp`; `now` in seconds since the epoch, by default the clock's."""
    if not timestamp:
        return UNKNOWN
    return human((time.time() if now is None else now) - timestamps.parse(timestamp))


def of(obj: Object, now: float | None = None) -> str:
    """Return an object's age."""
    return since((obj.get("metadata") or {}).get("creationTimestamp"), now)
