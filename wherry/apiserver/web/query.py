"""A query string becomes options. Unknown parameters are passed over, as upstream does."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from wherry.apiserver.registry.managedfields import LONGEST_NAME, check_manager
from wherry.apiserver.registry.options import DeleteOptions, ListOptions, WatchOptions, WriteOptions
from wherry.objects import Object, fields
from wherry.objects.errors import BadRequest, FieldError, Invalid

Query = Mapping[str, str]

VALIDATIONS = ("Ignore", "Strict", "Warn")
META = "meta.k8s.io"
_WHOLE = re.compile("[+-]?[0-9]+")
_LONGEST_NUMBER = 1000
"""Digits; zeros may lead. Longer ones take Python long, and more than 4300 it refuses."""


def flag(query: Query, name: str) -> bool | None:
    """Return a boolean parameter, None where it is not given; anything but `false` and `0` is true."""
    text = query.get(name)
    return None if text is None else text.lower() not in ("false", "0")


def number(query: Query, name: str) -> int | None:
    """Return a whole number of 64 bits, None where it is not given; raises `BadRequest`.

    Source: Go's strconv.ParseInt, which takes neither spaces nor underscores nor other scripts' digits.
    """
    text = query.get(name)
    if not text:
        return None
    if not _WHOLE.fullmatch(text):
        raise BadRequest(f"strconv.ParseInt: parsing {fields.quote(text)}: invalid syntax")
    if len(text) > _LONGEST_NUMBER or not -(1 << 63) <= int(text) < 1 << 63:
        raise BadRequest(f"strconv.ParseInt: parsing {fields.quote(text)}: value out of range")
    return int(text)


def list_options(query: Query) -> ListOptions:
    """Return the options of a list or a deletecollection; raises `BadRequest`, `Invalid`."""
    number(query, "timeoutSeconds")  # a list has no time to run out of, but a request that makes no sense is refused
    if flag(query, "sendInitialEvents") is not None:
        forbidden = "Forbidden: sendInitialEvents is forbidden for list"
        raise Invalid.of("ListOptions", "", [FieldError("FieldValueForbidden", "sendInitialEvents", forbidden)], META)
    return ListOptions(
        labels=query.get("labelSelector", ""),
        fields=query.get("fieldSelector", ""),
        resource_version=query.get("resourceVersion", ""),
        match=query.get("resourceVersionMatch", ""),
        limit=max(number(query, "limit") or 0, 0),
        token=query.get("continue", ""),
    )


def watch_options(query: Query) -> WatchOptions:
    """Return the options of a watch."""
    return WatchOptions(
        labels=query.get("labelSelector", ""),
        fields=query.get("fieldSelector", ""),
        resource_version=query.get("resourceVersion", ""),
        match=query.get("resourceVersionMatch", ""),
        initial=flag(query, "sendInitialEvents"),
        bookmarks=bool(flag(query, "allowWatchBookmarks")),
        timeout=number(query, "timeoutSeconds"),
    )


def write_options(
    query: Query, warn: Callable[[str], None], noted: Sequence[str] = (), agent: str = ""
) -> WriteOptions:
    """Return the options of a create, update or patch by a client that calls itself `agent`; raises `Invalid`."""
    validation = query.get("fieldValidation", "") or "Warn"
    if validation not in VALIDATIONS:
        supported = ", ".join(f'"{v}"' for v in ("", *VALIDATIONS))
        raise _unsupported("fieldValidation", f'Unsupported value: "{validation}": supported values: {supported}')
    named = query.get("fieldManager", "")
    if errors := check_manager("fieldManager", named):
        raise Invalid.of("CreateOptions", "", errors, META)
    dry_run = _dry_run(query.get("dryRun", ""))
    manager = named or _of_agent(agent)
    return WriteOptions(dry_run=dry_run, validation=validation, warn=warn, noted=noted, manager=manager)


def patch_options(query: Query, warn: Callable[[str], None], noted: Sequence[str], agent: str) -> WriteOptions:
    """Return the options of a patch other than an apply, which alone can be forced; raises `Invalid`."""
    if flag(query, "force") is not None:
        error = fields.forbidden("force", "may not be specified for non-apply patch")
        raise Invalid.of("PatchOptions", "", [error], META)
    return write_options(query, warn, noted, agent)


def apply_options(query: Query, warn: Callable[[str], None], noted: Sequence[str]) -> WriteOptions:
    """Return the options of an apply, whose manager must be named; raises `Invalid`."""
    if not query.get("fieldManager"):
        error = fields.required("fieldManager", "is required for apply patch")
        raise Invalid.of("PatchOptions", "", [error], META)
    return replace(write_options(query, warn, noted), force=bool(flag(query, "force")))


def _of_agent(agent: str) -> str:
    """Return the manager a client is that does not say: its name, without version.

    Source: apiserver pkg/endpoints/handlers/create.go (prefixFromUserAgent).
    """
    name = "".join(filter(str.isprintable, agent.partition("/")[0]))
    return name.encode()[:LONGEST_NAME].decode(errors="ignore")


def delete_options(query: Query, body: Object | None) -> tuple[DeleteOptions, bool]:
    """Return the options of a delete, from its body or else from the query, and whether it is a dry run."""
    if body is None:
        body = {}
        if (seconds := number(query, "gracePeriodSeconds")) is not None:
            body["gracePeriodSeconds"] = seconds
        if policy := query.get("propagationPolicy"):
            body["propagationPolicy"] = policy
        if (orphan := flag(query, "orphanDependents")) is not None:
            body["orphanDependents"] = orphan
    dry = [_dry_run(value) for value in body.get("dryRun") or ()]
    return DeleteOptions.of(body), any(dry) or _dry_run(query.get("dryRun", ""))


def _dry_run(value: str) -> bool:
    if value not in ("", "All"):
        raise _unsupported("dryRun", f'Unsupported value: "{value}": supported values: "All"')
    return value == "All"


def _unsupported(path: str, detail: str) -> Invalid:
    return Invalid.of("CreateOptions", "", [FieldError("FieldValueNotSupported", path, detail)], META)
