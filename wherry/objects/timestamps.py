"""Kubernetes times as text: metav1.Time (whole seconds, UTC) and metav1.MicroTime (six decimals).

A time in code is a float of seconds since the epoch, so it can be passed in where a decision depends on it.
Source of the formats: k8s.io/apimachinery pkg/apis/meta/v1 time.go, micro_time.go; RFC 3339.
"""

from __future__ import annotations

import time
from datetime import UTC, datetime


def rfc3339(seconds: float) -> str:
    """Return `2026-01-02T03:04:05Z`; fractions of a second are dropped, as metav1.Time does."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def micro(seconds: float) -> str:
    """Return `2026-01-02T03:04:05.000006Z` (metav1.MicroTime)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse(text: str) -> float:
    """Return the seconds since the epoch of an RFC 3339 time with any offset; ValueError where it is none."""
    moment = datetime.fromisoformat(text)
    if moment.tzinfo is None or "T" not in text.upper():
        raise ValueError(f"not an RFC 3339 time: {text!r}")
    return moment.timestamp()
