"""Where the audit log learns what a request carries: from whoever decodes it."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from wherry.apiserver.auditlog.log import Audited

AUDITED = web.RequestKey("AUDITED", Audited)
"""The key of a request's `Audited`; it has none of which nothing is to be told."""


def carries(request: web.BaseRequest, obj: Any) -> None:
    """Tell the audit log of the object, or the patch, that a request carries."""
    audited = request.get(AUDITED)
    if audited is not None:
        audited.carries(obj)
