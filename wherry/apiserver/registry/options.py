"""What a request may ask besides the object: metav1.CreateOptions, UpdateOptions, DeleteOptions, ListOptions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from wherry.apiserver.kind import Described
from wherry.apiserver.user import SYSTEM, User
from wherry.objects import Object, schema
from wherry.objects.definitions import GroupVersionKind
from wherry.objects.errors import BadRequest, FieldError, Invalid
from wherry.objects.resource import Resource

POLICIES = ("Background", "Foreground", "Orphan")


def silent(message: str) -> None:
    """Drop a warning nobody listens to."""


class Shown(Protocol):
    """What an object is written through."""

    @property
    def resource(self) -> Resource | None:
        """The kind it speaks, None for the object's own."""
        ...

    @property
    def read(self) -> Callable[[Object], Object]:
        """Show an object."""
        ...

    @property
    def write(self) -> Callable[[Object, Object], Object]:
        """Return an object with what was shown of it changed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteOptions:
    """`warn` is called with each text for a `Warning` header; `validation` is Strict, Warn or Ignore.

    `noted` are complaints about the body that its decoded form does not show. `manager` owns the fields that are
    written through `subresource`; `force` lets an apply take the fields of others. `view` is what the object is written
    through. `admitted`: webhooks have been asked already, about what was posted to the object (a Binding, an Eviction).
    """

    user: User = SYSTEM
    dry_run: bool = False
    validation: str = "Warn"
    noted: Sequence[str] = ()
    warn: Callable[[str], None] = silent
    manager: str = ""
    subresource: str = ""
    force: bool = False
    view: Shown | None = None
    admitted: bool = False

    def body(self, kind: str) -> Object:
        """Return the meta.k8s.io/v1 CreateOptions or UpdateOptions, as `kind` says."""
        body: Object = {"kind": kind, "apiVersion": "meta.k8s.io/v1"}
        if self.manager:
            body["fieldManager"] = self.manager
        if self.validation:
            body["fieldValidation"] = self.validation
        return body | ({"dryRun": ["All"]} if self.dry_run else {})

    def typed(self, obj: Object, gvk: GroupVersionKind, type_: Described | None = None) -> Object:
        """Return `obj` as its kind carries it, a new object; what is unknown is dropped, refused or warned about."""
        strict = self.validation == "Strict"
        new, unknown = schema.typed(obj, gvk, type_, strict=strict, noted=self.noted)
        if self.validation == "Warn":
            for warning in unknown:
                self.warn(warning)
        return new


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """How to delete. `grace_period` in seconds (None: the kind's default); `propagation` one of `POLICIES` or None."""

    grace_period: int | None = None
    propagation: str | None = None
    uid: str | None = None
    resource_version: str | None = None

    def body(self, *, dry_run: bool) -> Object:
        """Return the meta.k8s.io/v1 DeleteOptions."""
        given = {"uid": self.uid, "resourceVersion": self.resource_version}
        preconditions = {key: value for key, value in given.items() if value is not None}
        body: Object = {"kind": "DeleteOptions", "apiVersion": "meta.k8s.io/v1"}
        body |= {"gracePeriodSeconds": self.grace_period} if self.grace_period is not None else {}
        body |= {"preconditions": preconditions} if preconditions else {}
        body |= {"propagationPolicy": self.propagation} if self.propagation else {}
        return body | ({"dryRun": ["All"]} if dry_run else {})

    @classmethod
    def of(cls, body: Object) -> DeleteOptions:
        """Return the options of a metav1.DeleteOptions object; raises `BadRequest` or `Invalid`."""
        preconditions = body.get("preconditions") or {}
        propagation = body.get("propagationPolicy")
        if (orphan := body.get("orphanDependents")) is not None:
            if propagation:
                raise _invalid("propagationPolicy", "orphanDependents and deletionPropagation cannot be both set")
            propagation = "Orphan" if orphan else "Background"
        if propagation and propagation not in POLICIES:
            allowed = "one of Foreground,Background,Orphan or nil"
            raise _invalid(
                "propagationPolicy", f'Invalid value: "{propagation}": not a valid deletion policy, {allowed}'
            )
        grace = body.get("gracePeriodSeconds")
        if grace is not None and not isinstance(grace, int):
            raise BadRequest(f"gracePeriodSeconds: {grace!r} is not a number of seconds")
        if grace is not None and grace < 0:
            grace = 1  # upstream treats a negative period as "as soon as is graceful"
        return cls(
            grace_period=grace,
            propagation=propagation or None,
            uid=preconditions.get("uid"),
            resource_version=preconditions.get("resourceVersion"),
        )


def _invalid(path: str, detail: str) -> Invalid:
    return Invalid.of("DeleteOptions", "", [FieldError("FieldValueInvalid", path, detail)], "meta.k8s.io")


@dataclass(frozen=True, slots=True, kw_only=True)
class ListOptions:
    """What to list. `limit` 0: everything; `match` is the resourceVersionMatch."""

    labels: str = ""
    fields: str = ""
    resource_version: str = ""
    match: str = ""
    limit: int = 0
    token: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchOptions:
    """What to watch. `initial` asks for WatchList (KEP-3157): the current objects first, then a marking bookmark."""

    labels: str = ""
    fields: str = ""
    resource_version: str = ""
    match: str = ""
    initial: bool | None = None
    bookmarks: bool = False
    timeout: float | None = field(default=None)
