"""The errors an API server answers with, shared by server and clients.

    ApiError                   any `metav1.Status` with status Failure
    ├── BadRequest             400 BadRequest
    ├── Unauthorized           401 Unauthorized
    ├── Forbidden              403 Forbidden
    ├── NotFound               404 NotFound
    ├── MethodNotAllowed       405 MethodNotAllowed
    ├── NotAcceptable          406 NotAcceptable
    ├── AlreadyExists          409 AlreadyExists
    ├── Conflict               409 Conflict
    ├── Expired                410 Expired (a watch or list from a version no longer kept)
    ├── RequestEntityTooLarge  413 RequestEntityTooLarge
    ├── UnsupportedMediaType   415 UnsupportedMediaType
    ├── Invalid                422 Invalid (its causes name the field paths)
    ├── TooManyRequests        429 TooManyRequests
    ├── InternalError          500 InternalError
    ├── ServiceUnavailable     503 ServiceUnavailable
    └── Timeout                504 Timeout

Source of codes, reasons, texts and details: k8s.io/apimachinery pkg/apis/meta/v1 types.go and pkg/api/errors. Clients
rely on the details of those that always have some there (`detailed`): some read them without looking whether they came.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from wherry.objects import Object


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with one field, as `field.Error` prints it.

    `type` is the cause reason (FieldValueRequired, FieldValueInvalid, FieldValueNotSupported,
    FieldValueDuplicate, FieldValueForbidden, FieldValueTooLong, FieldValueTooMany, FieldValueNotFound); `detail` the
    whole text after the path: ``Required value``, ``Invalid value: 99999: provided port is not in the valid range``.
    Build one with the functions in `wherry.objects.fields`.
    """

    type: str
    field: str
    detail: str

    def __str__(self) -> str:
        return f"{self.field}: {self.detail}"


def details(
    plural: str = "",
    name: str = "",
    group: str = "",
    *,
    causes: Sequence[Object] = (),
    retry_after_seconds: int = 0,
) -> Object:
    """Return a `metav1.StatusDetails`, without what is empty. Its `kind` is the plural (of `Invalid`, the kind)."""
    given = {
        "name": name,
        "group": group,
        "kind": plural,
        "causes": list(causes),
        "retryAfterSeconds": retry_after_seconds,
    }
    return {field: value for field, value in given.items() if value}


class ApiError(Exception):
    """A failed API call: `code` (HTTP), `reason` (CamelCase word), `message`, `details` (metav1.StatusDetails).

    `detailed` tells of a class whose Status always has details, if only empty ones.
    """

    code: int = 500
    reason: str = ""
    detailed: ClassVar[bool] = False
    codes: ClassVar[dict[tuple[int, str], type[ApiError]]] = {}

    def __init__(
        self, message: str, *, code: int | None = None, reason: str | None = None, details: Object | None = None
    ):
        super().__init__(message)
        self.message = message
        self.details = {} if details is None and self.detailed else details
        if code is not None:
            self.code = code
        if reason is not None:
            self.reason = reason

    def __init_subclass__(cls) -> None:
        ApiError.codes[cls.code, cls.reason] = cls

    def status(self) -> Object:
        """Return the `metav1.Status` object for this error."""
        body: Object = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "code": self.code,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        return body

    @staticmethod
    def from_status(status: Object, code: int = 500) -> ApiError:
        """Return the error a Status object (or any other failed body) stands for; unknown reasons become `ApiError`."""
        code = int(status.get("code") or code)
        reason = str(status.get("reason") or "")
        message = str(status.get("message") or reason or f"HTTP {code}")
        cls = ApiError.codes.get((code, reason))
        if cls is None:
            # Of the two for 409, Conflict: who gets it looks again, whichever it was.
            cls = Conflict if code == 409 else next((c for (n, _), c in ApiError.codes.items() if n == code), ApiError)
        details = status.get("details")
        error, details = ApiError.__new__(cls), details if isinstance(details, dict) else None
        ApiError.__init__(error, message, code=code, reason=reason or cls.reason, details=details)
        return error


_DAMAGED = "StoredObjectDamaged"
"""The reason of a cause; a word of ours, since upstream answers such a read with 500 and never gets over it."""


def _qualified(plural: str, group: str) -> str:
    return f"{plural}.{group}" if group else plural


class BadRequest(ApiError):
    """The request cannot be understood."""

    code, reason = 400, "BadRequest"


class Unauthorized(ApiError):
    """No or wrong credentials."""

    code, reason = 401, "Unauthorized"


class Forbidden(ApiError):
    """The user may not do this."""

    code, reason = 403, "Forbidden"
    detailed = True

    @classmethod
    def of(cls, plural: str, name: str, why: str, group: str = "") -> Forbidden:
        """Return the error for object `name` of `plural`.`group` (each may be empty), with the reason `why`."""
        what = _qualified(plural, group)
        what += f' "{name}"' if name else ""
        return cls(f"{what} is forbidden: {why}" if what else f"forbidden: {why}", details=details(plural, name, group))


class NotFound(ApiError):
    """No such object."""

    code, reason = 404, "NotFound"
    detailed = True

    @property
    def gone(self) -> bool:
        """Whether the object is no more; False for one that is stored and cannot be read (`damaged`)."""
        causes = (self.details or {}).get("causes") or []
        return not any(cause.get("reason") == _DAMAGED for cause in causes)

    @classmethod
    def damaged(cls, plural: str, name: str, group: str, where: str) -> NotFound:
        """Return the error for an object that cannot be read and is kept at `where`: its dependents are no orphans."""
        why = f"what was stored of it is damaged, and kept in {where}; make it anew, or remove that file"
        error = cls.of(plural, name, group)
        error.args = (f"{error.message}: {why}",)
        error.message = error.args[0]
        error.details = {**(error.details or {}), "causes": [{"reason": _DAMAGED, "message": why}]}
        return error

    @classmethod
    def of(cls, plural: str, name: str, group: str = "") -> NotFound:
        """Return the error for object `name` of `plural`.`group`."""
        return cls(f'{_qualified(plural, group)} "{name}" not found', details=details(plural, name, group))


class MethodNotAllowed(ApiError):
    """The resource does not know this verb."""

    code, reason = 405, "MethodNotAllowed"
    detailed = True

    @classmethod
    def of(cls, plural: str, action: str, group: str = "") -> MethodNotAllowed:
        """Return the error for an action (`delete`) that `plural`.`group` does not have."""
        kind = _qualified(plural, group)
        return cls(f'{action} is not supported on resources of kind "{kind}"', details=details(plural, "", group))


class NotAcceptable(ApiError):
    """None of the media types asked for can be produced."""

    code, reason = 406, "NotAcceptable"


class AlreadyExists(ApiError):
    """The name is taken."""

    code, reason = 409, "AlreadyExists"
    detailed = True

    @classmethod
    def of(cls, plural: str, name: str, group: str = "") -> AlreadyExists:
        """Return the error for object `name` of `plural`.`group`."""
        return cls(f'{_qualified(plural, group)} "{name}" already exists', details=details(plural, name, group))


class Conflict(ApiError):
    """The object changed since it was read, or its state does not allow the call."""

    code, reason = 409, "Conflict"
    detailed = True

    @classmethod
    def of_managers(cls, message: str, causes: Sequence[Object]) -> Conflict:
        """Return the error for an apply that would take fields from those who own them, each a cause."""
        return cls(message, details=details(causes=causes))

    @classmethod
    def of(cls, plural: str, name: str, why: str, group: str = "") -> Conflict:
        """Return the error for object `name` of `plural`.`group`, with the reason `why`."""
        return cls(
            f'Operation cannot be fulfilled on {_qualified(plural, group)} "{name}": {why}',
            details=details(plural, name, group),
        )


class Expired(ApiError):
    """The resource version asked for is no longer kept: list again, or, with `token`, go on as things are now."""

    code, reason = 410, "Expired"
    token: str = ""

    @classmethod
    def of_page(cls, token: str) -> Expired:
        """Return the error for a page that cannot be had as its list began; `token` leads on all the same.

        Source: apiserver pkg/storage/etcd3/errors.go (inconsistentContinue).
        """
        error = cls(
            "The provided continue parameter is too old to display a consistent list result. You can start a new list "
            "without the continue parameter, or use the continue token in this response to retrieve the remainder of "
            "the results. Continuing with the provided token results in an inconsistent list - objects that were "
            "created, modified, or deleted between the time the first chunk was returned and now may show up in the "
            "list."
        )
        error.token = token
        return error

    def status(self) -> Object:
        """Return the `metav1.Status`, with the token."""
        return super().status() | ({"metadata": {"continue": self.token}} if self.token else {})


class RequestEntityTooLarge(ApiError):
    """The body, or what it asks for, is more than the server takes."""

    code, reason = 413, "RequestEntityTooLarge"


class UnsupportedMediaType(ApiError):
    """The body's or patch's media type is not one this resource takes."""

    code, reason = 415, "UnsupportedMediaType"


class Invalid(ApiError):
    """The object breaks its kind's rules; `details.causes` names each field."""

    code, reason = 422, "Invalid"
    detailed = True

    @classmethod
    def of(cls, kind: str, name: str, errors: Sequence[FieldError], group: str = "") -> Invalid:
        """Return the error Kubernetes prints for `errors` (at least one) on object `name` of `kind`."""
        lines = list(dict.fromkeys(str(e) for e in errors))
        what = lines[0] if len(lines) == 1 else f"[{', '.join(lines)}]"
        causes: list[dict[str, Any]] = [{"reason": e.type, "message": e.detail, "field": e.field} for e in errors]
        return cls(
            f'{_qualified(kind, group)} "{name}" is invalid: {what}',
            details=details(kind, name, group, causes=causes),
        )


class TooManyRequests(ApiError):
    """Try again later."""

    code, reason = 429, "TooManyRequests"


class InternalError(ApiError):
    """The server failed."""

    code, reason = 500, "InternalError"
    detailed = True

    @classmethod
    def of(cls, why: str) -> InternalError:
        """Return the error of a server that failed with `why`."""
        return cls(f"Internal error occurred: {why}", details=details(causes=[{"message": why}]))


class ServiceUnavailable(ApiError):
    """The server cannot serve this now."""

    code, reason = 503, "ServiceUnavailable"


class Timeout(ApiError):
    """The server gave up waiting."""

    code, reason = 504, "Timeout"
    detailed = True
