"""Durations as the Corefile writes them: Go's, or a bare number of seconds (CoreDNS plugin/pkg/durations)."""

from __future__ import annotations

from wherry.dns.corefile import Directive
from wherry.objects import durations


def seconds(text: str, directive: Directive) -> float:
    """Return a duration in seconds; raises CorefileError."""
    try:
        read = durations.seconds(f"{text}s" if text.isascii() and text.isdigit() else text)
    except ValueError as error:
        raise directive.error(str(error)) from None
    if read < 0:
        raise directive.error(f"{text!r} is less than nothing")
    return read
