"""`kubectl.kubernetes.io/last-applied-configuration`: how an object of client-side apply comes to server-side apply.

What kubectl applied by itself before and nobody has changed since is not in conflict with kubectl's server-side apply,
whoever is recorded as its owner; and as long as the annotation is there, it tells the newest configuration. All that is
for the manager `kubectl` only: who names another wants none of it.
Source: apimachinery pkg/util/managedfields/internal (lastappliedmanager.go, lastappliedupdater.go, lastapplied.go).
"""

from __future__ import annotations

from typing import Any

import msgspec

from wherry.objects import Object, metadata
from wherry.objects.apply import element
from wherry.objects.apply.compare import compare
from wherry.objects.apply.fieldset import LEAF, FieldSet, difference
from wherry.objects.apply.owned import named
from wherry.objects.apply.update import Write
from wherry.objects.apply.validate import problems
from wherry.objects.meaning.wellknown import LAST_APPLIED

KUBECTL = "kubectl"
LIMIT = 256 * 1024
"""Bytes of all annotations together; an annotation that is too long for it is left out."""


def claimed(write: Write, live: Object) -> FieldSet:
    """Return what the last configuration of a client-side apply set and is still so."""
    last = _last(live) if write.manager.name == KUBECTL else None
    if last is None or last.get("apiVersion") != write.version or problems(write.shape, last):
        return LEAF
    found = compare(write.shape, last, live)
    return difference(difference(named(write.shape, last) or LEAF, found.changed), found.removed)


def _last(live: Object) -> Object | None:
    text = metadata.annotations(live).get(LAST_APPLIED)
    try:
        last: Any = msgspec.json.decode(text) if text else None
    except msgspec.DecodeError:
        return None
    return last if isinstance(last, dict) else None


def renewed(write: Write, obj: Object, config: Object) -> Object:
    """Return an object whose annotation, if it has one, tells the configuration that was just applied."""
    if write.manager.name != KUBECTL or not metadata.annotations(obj).get(LAST_APPLIED):
        return obj
    annotations = {**metadata.annotations(obj), LAST_APPLIED: _told(config)}
    if sum(len(key.encode()) + len(value.encode()) for key, value in annotations.items()) > LIMIT:
        del annotations[LAST_APPLIED]
    return {**obj, "metadata": {**obj["metadata"], "annotations": annotations}}


def _told(config: Object) -> str:
    if LAST_APPLIED in metadata.annotations(config):
        others = {key: value for key, value in metadata.annotations(config).items() if key != LAST_APPLIED}
        config = {**config, "metadata": {**config["metadata"], "annotations": others}}
    return element.json(config) + "\n"
