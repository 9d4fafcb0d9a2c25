"""A document that does not change: sent whole, or not at all to a client that has it."""

from __future__ import annotations

import hashlib

from aiohttp import web

YEAR_SECONDS = 365 * 86400


class Document:
    """Bytes of a media type, with an entity tag (RFC 9110 §8.8.3)."""

    def __init__(self, data: bytes, content_type: str):
        self._data = data
        self.hash = hashlib.sha256(data).hexdigest().upper()
        self._tag = f'"{self.hash}"'
        self._content_type = content_type

    def answer(self, request: web.BaseRequest, *, forever: bool = False) -> web.Response:
        """Return the document, or 304 when `If-None-Match` names it; `forever`: its URL changes when it does."""
        caching = f"public, immutable, max-age={YEAR_SECONDS}" if forever else "no-cache, public"
        headers = {"ETag": self._tag, "Cache-Control": caching, "Vary": "Accept", "Content-Type": self._content_type}
        if self._tag in request.headers.get("If-None-Match", ""):
            return web.Response(status=304, headers=headers)
        return web.Response(body=self._data, headers=headers)
