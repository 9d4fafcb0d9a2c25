"""The meaning of `resourceVersion` on reads.

Source: https://kubernetes.io/docs/reference/using-api/api-concepts/#resource-versions
"""

from __future__ import annotations

import asyncio

from wherry.apiserver.state.state import State
from wherry.objects.errors import BadRequest, FieldError, Invalid, Timeout, details

PATIENCE_SECONDS = 3.0
"""How long a read waits for a version that is still to come."""

LONGEST_VERSION = 20
"""Digits of a number of 64 bits."""

MATCHES = ("NotOlderThan", "Exact")


def parse(text: str) -> int:
    """Return a version as a number, 0 for "" and "0"; raises `BadRequest`."""
    if not text:
        return 0
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(f'invalid resource version "{text}": must be a decimal number')
    if len(text) > LONGEST_VERSION:
        raise BadRequest(f'invalid resource version "{text[:LONGEST_VERSION]}…": value out of range')
    return int(text)


def check_list(version: str, match: str, token: str) -> None:
    """Refuse the combinations a list may not ask for; raises `Invalid`."""
    if not match:
        return
    path, why = "resourceVersionMatch", ""
    if token:
        why = "resourceVersionMatch is forbidden when continue is provided"
    elif not version:
        why = "resourceVersionMatch is forbidden unless resourceVersion is provided"
    elif match == "Exact" and version == "0":
        why = 'resourceVersionMatch "exact" is forbidden for resourceVersion "0"'
    if why:
        raise _invalid(FieldError("FieldValueForbidden", path, f"Forbidden: {why}"))
    if match not in MATCHES:
        supported = ", ".join(f'"{m}"' for m in ("Exact", "NotOlderThan", ""))
        detail = f'Unsupported value: "{match}": supported values: {supported}'
        raise _invalid(FieldError("FieldValueNotSupported", path, detail))


def check_watch_list(match: str, initial: bool | None) -> None:
    """Refuse the combinations a watch may not ask for; raises `Invalid`."""
    path = "resourceVersionMatch"
    if initial is None:
        if match:
            why = "Forbidden: resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"
            raise _invalid(FieldError("FieldValueForbidden", path, why))
    elif match != "NotOlderThan":
        why = "Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"
        raise _invalid(FieldError("FieldValueForbidden", path, why))


async def wait(state: State, revision: int) -> None:
    """Return once the state has `revision`; raises `Timeout` when it does not come."""
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await state.reached(revision)
    except TimeoutError:
        message = f"Too large resource version: {revision}, current: {state.revision}"
        causes = [{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]
        raise Timeout(f"Timeout: {message}", details=details(causes=causes, retry_after_seconds=1)) from None


def _invalid(error: FieldError) -> Invalid:
    return Invalid.of("ListOptions", "", [error], "meta.k8s.io")
