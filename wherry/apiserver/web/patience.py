"""When a client that lets the server wait is let go.

Source of the kinds: Go's http.Server (ReadHeaderTimeout, IdleTimeout), which upstream's server is, with 32 s and 90 s.
That one never ends a stream nobody reads; here it is ended before its memory is anybody's trouble.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Seconds of waiting.

    `handshake`: for TLS, from the first packet to the last; `head`: for the rest of a request's head; `idle`: for the
    next request; `body`: for more of a body; `unread`: for a client to take an answer or a watch; `stream`: to take a
    pod's log, what an exec says, or what the proxy brings: people stop `kubectl logs -f` to read.
    """

    handshake: float = 10.0
    head: float = 30.0
    idle: float = 90.0
    body: float = 30.0
    unread: float = 60.0
    stream: float = 3600.0


@dataclass(slots=True)
class Waits:
    """Since when one connection waits for its client (seconds of the loop's clock), None where it does not."""

    head: float | None = None
    body: float | None = None
    unread: float | None = None
    streaming: bool = False


def overdue(waits: Waits, patience: Patience, now: float) -> str:
    """Return what the server has waited for too long, "" if nothing."""
    unread = patience.stream if waits.streaming else patience.unread
    for what, since, seconds in (
        ("head", waits.head, patience.head),
        ("body", waits.body, patience.body),
        ("unread", waits.unread, unread),
    ):
        if since is not None and now - since > seconds:
            return what
    return ""
