"""An object as itself, as metadata only, or as a table row; alone, in a list, or in a watch event."""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.apiserver.catalog import Served
from wherry.apiserver.registry.reader import Page
from wherry.apiserver.web import tables
from wherry.apiserver.web.media import Form
from wherry.objects import Object
from wherry.objects.meaning.wellknown import INITIAL_EVENTS_END


def one(served: Served, obj: Object, form: Form) -> Object:
    """Return an object (in the served version) in the form asked for."""
    match form.shape:
        case "object":
            return obj
        case "metadata":
            return _metadata(obj, form)
        case "table":
            return _table(served, [served.to_hub(obj)], {"resourceVersion": _version(obj)}, form)


def many(served: Served, page: Page, form: Form) -> Object:
    """Return a list in the form asked for."""
    metadata: Object = {"resourceVersion": str(page.revision)}
    if page.token:
        metadata["continue"] = page.token
        if page.remaining is not None:
            metadata["remainingItemCount"] = page.remaining
    match form.shape:
        case "object":
            kind, items = served.kind.list_kind, page.items
            return {"kind": kind, "apiVersion": served.resource.api_version, "metadata": metadata, "items": items}
        case "metadata":
            items = [_metadata(obj, form) for obj in page.items]
            version = f"meta.k8s.io/{form.version}"
            return {"kind": "PartialObjectMetadataList", "apiVersion": version, "metadata": metadata, "items": items}
        case "table":
            return _table(served, [served.to_hub(obj) for obj in page.items], metadata, form)


def watched(served: Served, stored: Object, form: Form) -> bytes:
    """Return the JSON of an object in a watch event; `stored` is in its storage version, and `ready`."""
    if form.shape == "table":
        shown: Any = _table(served, [served.hub(stored)], {"resourceVersion": _version(stored)}, form)
    else:
        shown = one(served, served.from_storage(stored), form)
    return msgspec.json.encode(shown)


def bookmark(served: Served, revision: int, form: Form, *, initial: bool = False) -> bytes:
    """Return the JSON of a bookmark's object: a version, and the mark at the end of the initial objects."""
    metadata: Object = {"resourceVersion": str(revision), "creationTimestamp": None}
    if initial:
        metadata["annotations"] = {INITIAL_EVENTS_END: "true"}
    if form.shape == "table":
        carried = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{form.version}", "metadata": metadata}
        rows = [{"cells": [None] * len(tables.columns(served.kind)), "object": carried}]
        shown = _table(served, [], {"resourceVersion": str(revision)}, form) | {"rows": rows}
    elif form.shape == "metadata":
        shown = {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{form.version}", "metadata": metadata}
    else:
        shown = {"kind": served.resource.kind, "apiVersion": served.resource.api_version, "metadata": metadata}
    return msgspec.json.encode(shown)


def _version(obj: Object) -> str:
    return str(obj["metadata"].get("resourceVersion", ""))


def _metadata(obj: Object, form: Form) -> Object:
    return {"kind": "PartialObjectMetadata", "apiVersion": f"meta.k8s.io/{form.version}", "metadata": obj["metadata"]}


def _table(served: Served, stored: list[Object], metadata: Object, form: Form) -> Object:
    rows = [(obj, _carried(served, obj, form)) for obj in stored]
    return tables.table(served.kind, rows, metadata, form.version)


def _carried(served: Served, stored: Object, form: Form) -> Object | None:
    match form.include:
        case "None":
            return None
        case "Object":
            return served.from_storage(stored)
    return _metadata(stored, form)
