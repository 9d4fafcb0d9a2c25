"""What a webhook answered, and what it means.

Source: apiserver pkg/admission/plugin/webhook/request/admissionreview.go (VerifyAdmissionResponse),
pkg/admission/plugin/webhook/errors/statuserror.go.
"""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Any

import msgspec

from wherry.apiserver.admission.webhooks.review import GROUP, KIND
from wherry.objects import Object, fields
from wherry.objects.errors import ApiError


class Unreadable(ValueError):
    """The answer is none; the text tells why."""


class _Response(msgspec.Struct):
    """An AdmissionResponse."""

    uid: str = ""
    allowed: bool = False
    status: dict[str, Any] | None = None
    patch: str | None = None
    patchType: str | None = None
    auditAnnotations: dict[str, str] | None = None
    warnings: list[str] | None = None


class _Review(msgspec.Struct):
    """An AdmissionReview that comes back."""

    kind: str = ""
    apiVersion: str = ""
    response: _Response | None = None


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a webhook decided: whether it allows, the JSON patch it wants, what it has to say."""

    allowed: bool
    patch: list[Any] = field(default_factory=list)
    status: Object | None = None
    warnings: tuple[str, ...] = ()
    annotations: Object = field(default_factory=dict)


def read(data: bytes, version: str, uid: str, *, mutating: bool) -> Verdict:
    """Return the verdict in an answer to a review of a version and `uid`; raises `Unreadable`."""
    try:
        review = msgspec.json.decode(data, type=_Review)
    except (msgspec.DecodeError, RecursionError) as error:
        raise Unreadable(f"the answer is no {KIND}: {error}") from error
    response = review.response
    if response is None:
        raise Unreadable("webhook response was absent")
    if version == "v1":  # of v1beta1 upstream has never looked at these
        _check(review, response, uid, mutating)
    patch = _patch(response.patch) if mutating and response.patch else []
    warnings = tuple(response.warnings or ())
    return Verdict(response.allowed, patch, response.status, warnings, response.auditAnnotations or {})


def _check(review: _Review, response: _Response, uid: str, mutating: bool) -> None:
    if response.uid != uid:
        raise Unreadable(f"expected response.uid={fields.quote(uid)}, got {fields.quote(response.uid)}")
    if (review.apiVersion, review.kind) != (f"{GROUP}/v1", KIND):
        raise Unreadable(
            f"expected webhook response of {GROUP}/v1, Kind={KIND}, got {review.apiVersion}, Kind={review.kind}"
        )
    if not mutating:
        for name, value in (("patch", response.patch), ("patchType", response.patchType)):
            if value is not None:
                raise Unreadable(f"validating webhook may not return response.{name}")
    elif response.patch and response.patchType is None:
        raise Unreadable("webhook returned response.patch but not response.patchType")
    elif not response.patch and response.patchType is not None:
        raise Unreadable("webhook returned response.patchType but not response.patch")
    elif response.patch and response.patchType != "JSONPatch":
        raise Unreadable(f"unsupported patch type {fields.quote(response.patchType or '')}")


def _patch(text: str) -> list[Any]:
    try:
        return msgspec.json.decode(base64.b64decode(text), type=list[Any])
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"received undecodable patch in webhook response: {error}") from error


def refusal(name: str, status: Object | None) -> ApiError:
    """Return the error for a request that webhook `name` does not allow, with the status it gave."""
    given = dict(status or {})
    denied = f"admission webhook {fields.quote(name)} denied the request"
    said = given.get("message") or given.get("reason")
    message = f"{denied}: {said}" if said else f"{denied} without explanation"
    code = given.get("code")
    code = code if isinstance(code, int) and 400 <= code < 600 else 400
    error = ApiError.from_status({**given, "message": message, "code": code})
    error.reason = str(given.get("reason") or "")  # none where the webhook gave none
    return error
