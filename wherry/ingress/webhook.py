"""The validating webhook (`--validating-webhook`): AdmissionReviews of Ingresses, answered over TLS.

Follows admission.k8s.io/v1 (kubernetes/api/admission/v1/types.go); v1beta1 has the same fields. What it says is decided
in `fronts/ingress/review.py`.
"""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import msgspec
from aiohttp import web

from wherry.ingress.fronts.ingress.review import Verdict
from wherry.net.listening import listen
from wherry.objects import Object

log = logging.getLogger(__name__)

LARGEST_BYTES: Final = 9 << 20
"""An AdmissionReview may hold an object of 3 MiB, the API server's limit, twice; more is 413 (CVE-2026-24514)."""
MOST_WARNINGS: Final = 20
LONGEST_WARNING: Final = 256
"""Characters; the API server drops what is longer (apiserver/pkg/warning)."""
VERSION: Final = "networking.k8s.io/v1"

Review = Callable[[Object], Verdict]


@dataclass(frozen=True, slots=True)
class WebhookOptions:
    """Where to listen, and with which certificate."""

    host: str
    port: int
    certificate: Path
    key: Path


@asynccontextmanager
async def serving(options: WebhookOptions | None, review: Review) -> AsyncIterator[int]:
    """Answer while inside; yields the port (0 without options). Raises `OSError` where that cannot begin."""
    if options is None:
        yield 0
        return
    app = web.Application(client_max_size=LARGEST_BYTES)
    app.router.add_post("/{path:.*}", partial(_answer, review))
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    try:
        sock = listen(options.host, options.port)
        await web.SockSite(runner, sock, ssl_context=_Certificate(options).context).start()
        log.info("validating webhook at port %d", sock.getsockname()[1])
        yield sock.getsockname()[1]
    finally:
        await runner.cleanup()


class _Certificate:
    """A certificate read again when its file changes, for the next handshake."""

    def __init__(self, options: WebhookOptions):
        self._options = options
        self._read_at = self._changed()
        self._current = self.context = self._read()
        self.context.sni_callback = self._present

    def _changed(self) -> int:
        return os.stat(self._options.certificate).st_mtime_ns

    def _read(self) -> ssl.SSLContext:
        certificate, key = self._options.certificate, self._options.key
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(certificate, key)
        except OSError as error:  # its message names no file
            raise OSError(f"the webhook's certificate {certificate} and key {key}: {error}") from error
        return context

    def _present(self, handshake: ssl.SSLObject, *_: object) -> None:
        """Let a handshake go on with the certificate that is there now."""
        try:
            changed = self._changed()
            if changed != self._read_at:
                self._current, self._read_at = self._read(), changed
        except OSError as error:  # its two files are being replaced: the certificate before holds until then
            log.warning("not read again: %s", error)
        handshake.context = self._current


async def _answer(review: Review, request: web.Request) -> web.Response:
    try:
        asked = msgspec.json.decode(await request.read())
        given = asked["request"]
        said = {"uid": given["uid"], **_said(given, review)}
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
        return web.Response(status=HTTPStatus.BAD_REQUEST, text=f"not an AdmissionReview: {error!r}\n")
    version = asked.get("apiVersion", "admission.k8s.io/v1")
    return web.json_response({"apiVersion": version, "kind": "AdmissionReview", "response": said})


def _said(given: dict[str, Any], review: Review) -> dict[str, Any]:
    """Return the `response` to a request; what is no Ingress that is to be stored is none of our business."""
    kind = given.get("kind") or {}
    if kind.get("kind") != "Ingress" or given.get("operation") == "DELETE":
        return {"allowed": True}
    version = f"{kind.get('group')}/{kind.get('version')}"
    if version != VERSION:
        return {"allowed": True, "warnings": [f"not looked at: this is {version}, ask with matchPolicy Equivalent"]}
    meta = {"namespace": given.get("namespace"), **given["object"]["metadata"]}
    verdict = review({**given["object"], "metadata": meta})
    said: dict[str, Any] = {"allowed": not verdict.denials}
    if verdict.denials:
        said["status"] = {"code": HTTPStatus.BAD_REQUEST, "message": "; ".join(verdict.denials)}
    if verdict.warnings:
        said["warnings"] = [one[:LONGEST_WARNING] for one in verdict.warnings[:MOST_WARNINGS]]
    return said
