"""Which streaming protocol a request asks for: the upgrade is answered, or refused with the words clients know."""

from __future__ import annotations

from aiohttp import hdrs, web

from wherry.node.streaming.channels import ChannelSession
from wherry.node.streaming.duplex import UpgradedConnection
from wherry.node.streaming.session import Session, Streams
from wherry.node.streaming.spdysession import PROTOCOLS, SpdySession
from wherry.objects.errors import BadRequest, Forbidden

SPDY = "SPDY/3.1"
VERSION_HEADER = "X-Stream-Protocol-Version"


def is_websocket(request: web.Request) -> bool:
    """Tell whether a request asks for a WebSocket."""
    return request.headers.get(hdrs.UPGRADE, "").lower() == "websocket" and _upgrades(request)


def is_spdy(request: web.Request) -> bool:
    """Tell whether a request asks for SPDY/3.1."""
    return request.headers.get(hdrs.UPGRADE, "").lower() == SPDY.lower() and _upgrades(request)


def _upgrades(request: web.Request) -> bool:
    return "upgrade" in request.headers.get(hdrs.CONNECTION, "").lower()


async def open_session(request: web.Request, streams: Streams) -> Session:
    """Upgrade an exec or attach request.

    Raises `BadRequest` or `Forbidden` for what cannot be upgraded, `ConnectionError` when the client leaves meanwhile.
    """
    if is_websocket(request):
        return await ChannelSession.open(request, streams)
    connection, protocol = upgrade_to_spdy(request, PROTOCOLS)
    return await SpdySession.open(connection, streams, protocol)


def upgrade_to_spdy(request: web.Request, supported: tuple[str, ...]) -> tuple[UpgradedConnection, str]:
    """Upgrade a request to SPDY and return the subprotocol agreed on: the first of `supported` the client knows.

    A client that names none gets the last (apimachinery `pkg/util/httpstream/httpstream.go`, Handshake).
    """
    if not is_spdy(request):
        raise BadRequest("Upgrade request required")
    asked = [p.strip() for line in request.headers.getall(VERSION_HEADER, []) for p in line.split(",")]
    protocol = next((p for p in supported if p in asked), None)
    headers = {"Connection": "Upgrade", "Upgrade": SPDY}
    if asked:
        if protocol is None:
            raise Forbidden(f"unable to upgrade: unable to negotiate protocol: client supports {asked}")
        headers[VERSION_HEADER] = protocol
    return UpgradedConnection(request, headers), protocol or supported[-1]
