"""How long nginx waits for an endpoint."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Scope
from wherry.ingress.features.policy import Policy
from wherry.ingress.settings import Settings


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds until a connection is given up, and between two reads or writes on one."""

    connect: int = 5
    read: int = 60
    send: int = 60


def _annotation(step: str, doc: str) -> Annotation:
    name = f"proxy-{step}-timeout"
    return Annotation(name=name, scope=Scope.LOCATION, risk=Risk.LOW, doc=doc, read=values.seconds)


ANNOTATIONS: Final = (
    _annotation("connect", "Seconds to wait for a connection to an endpoint before the next one is tried."),
    _annotation("read", "Seconds between two reads from an endpoint before the answer is 504."),
    _annotation("send", "Seconds between two writes to an endpoint before the answer is 504."),
)


def of(policy: Policy, settings: Settings) -> Timeouts:
    """Return the timeouts."""
    return Timeouts(
        connect=policy.get("proxy-connect-timeout", settings.proxy_connect_timeout),
        read=policy.get("proxy-read-timeout", settings.proxy_read_timeout),
        send=policy.get("proxy-send-timeout", settings.proxy_send_timeout),
    )
