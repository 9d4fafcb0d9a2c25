"""Answers: JSON or YAML bodies, Status errors, `Warning` headers."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import msgspec
import yaml
from aiohttp import web

from wherry.apiserver.web.media import JSON, YAML
from wherry.objects.errors import ApiError

WARNING_CODE = 299
LONGEST_WARNING = 256
LONGEST_WARNINGS = 4096
PIECE_BYTES = 1 << 18
ANSWER_SECONDS = 60.0
"""How long an answer may take, as upstream's request timeout."""
PEOPLES_TOOLS = ("curl", "Wget", "Mozilla/5.0")


def answer(value: Any, status: int = 200, media: str = JSON, warnings: Iterable[str] = ()) -> web.Response:
    """Return a response with `value` as its body."""
    if media == YAML:
        # Through JSON, so that shared parts do not become YAML anchors.
        plain = msgspec.json.decode(msgspec.json.encode(value))
        data = yaml.dump(plain, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True).encode()
    else:
        data = msgspec.json.encode(value)
    response = web.Response(body=data, status=status, content_type=media)
    response.headers["Cache-Control"] = "no-cache, private"
    add_warnings(response, warnings)
    return response


def pretty(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Indent a JSON body for who asks for that, or looks like a person's tool and does not ask for the opposite.

    Source: apiserver pkg/endpoints/handlers/negotiation (isPrettyPrint).
    """
    asked = request.query.get("pretty")
    if asked is None:
        wanted = request.headers.get("User-Agent", "").startswith(PEOPLES_TOOLS)
    else:
        wanted = asked.lower() not in ("false", "0")
    body = response.body if isinstance(response, web.Response) else None
    if wanted and isinstance(body, bytes) and response.content_type == JSON:
        response.body = msgspec.json.format(body, indent=2) + b"\n"  # type: ignore[attr-defined]  # it has one


def failure(error: ApiError, warnings: Iterable[str] = ()) -> web.Response:
    """Return the response for an error: its Status."""
    response = answer(error.status(), error.code, warnings=warnings)
    seconds = (error.details or {}).get("retryAfterSeconds")
    if seconds:
        response.headers["Retry-After"] = str(seconds)
    return response


async def delivered(request: web.BaseRequest, response: web.StreamResponse) -> web.StreamResponse:
    """Send a large body piece by piece, no faster than the client takes it, and return what was answered.

    All at once it would lie in the buffers of TLS, where nobody counts it. Who does not take it in `ANSWER_SECONDS` is
    let go.
    """
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes) or len(body) <= PIECE_BYTES or request.method == "HEAD":
        return response
    sent = web.StreamResponse(status=response.status, headers=response.headers)
    sent.content_length = len(body)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            await sent.prepare(request)
            for start in range(0, len(body), PIECE_BYTES):
                await sent.write(body[start : start + PIECE_BYTES])
            await sent.write_eof()
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
    return sent


def add_warnings(response: web.StreamResponse, warnings: Iterable[str]) -> None:
    """Add a header for each different warning (RFC 9111 §5.5, the form Kubernetes clients read), while there is room.

    Source of the room: apiserver pkg/endpoints/filters/warning.go (truncateAtTotalRunes).
    """
    left = LONGEST_WARNINGS
    for text in dict.fromkeys(warnings):
        clean = "".join(c if c.isprintable() else " " for c in text[:LONGEST_WARNING])
        left -= len(clean)
        if left < 0:
            break
        quoted = clean.replace("\\", "\\\\").replace('"', '\\"')
        response.headers.add("Warning", f'{WARNING_CODE} - "{quoted}"')
