"""Why a registry said no, in its own words. Pure.

Source: opencontainers/distribution-spec, "Error Codes": {"errors": [{"code", "message", "detail"}]}.
"""

from __future__ import annotations

import msgspec

from wherry.images.errors import RegistryError

LONGEST = 300
WHY = {
    401: "no basic auth credentials, or wrong ones",
    403: "access denied",
    404: "not found",
    429: "too many requests",
}


class _Error(msgspec.Struct):
    code: str = ""
    message: str | None = ""


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


def refusal(status: int, body: bytes, method: str, url: str) -> RegistryError:
    """Return the error for an answer that is no success."""
    said = _said(body) or WHY.get(status, "")
    return RegistryError(f"{method} {url}: {status}" + (f": {said}" if said else ""), status)


def _said(body: bytes) -> str:
    try:
        errors = msgspec.json.decode(body, type=_Errors).errors
    except msgspec.DecodeError:
        return ""
    told = "; ".join(": ".join(part for part in (one.code, one.message) if part) for one in errors)
    return " ".join(told.split())[:LONGEST]
