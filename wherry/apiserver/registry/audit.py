"""Stored objects that no write would be let through with: named once, at the start, whoever wrote them.

They are served as they are, as upstream does, and readers pass over what makes no sense in them; here is who to blame.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Iterable

from wherry.apiserver.kind import Kind
from wherry.apiserver.kinds.common import objectmeta
from wherry.apiserver.state.state import State
from wherry.objects import Object, metadata
from wherry.telemetry import metrics

log = logging.getLogger(__name__)

PAUSE_SECONDS = 0.02
"""Between one part of the work and the next: nobody waits for it, and the start has more to do."""
PART = 50

invalid = metrics.gauge(
    "apiserver_storage_invalid_objects", "Objects that were stored and are not valid.", ["resource"]
)


async def audit(state: State, kinds: Iterable[Kind]) -> AsyncIterator[tuple[Kind, Object, str]]:
    """Look at every object there is; name in the log, count, and yield what is not valid, with what is wrong."""
    for kind in kinds:
        found = 0
        for i, obj in enumerate(list(state.collection(kind).items())):
            if why := problem(obj, kind):
                found += 1
                key = "/".join(filter(None, metadata.key(obj)))
                log.warning("a stored %s is not valid, and is served as it is key=%s: %s", kind.kind, key, why)
                yield kind, obj, why
            if i % PART == PART - 1:
                await asyncio.sleep(PAUSE_SECONDS)
        if found:
            invalid.labels(kind.resource.group_resource).set(found)


def problem(obj: Object, kind: Kind) -> str:
    """Return what is wrong with a stored object, "" when nothing is."""
    try:
        errors = objectmeta.validate(obj, kind)
        if kind.validate is not None:
            errors += kind.validate(metadata.copy(obj))
        if kind.check is not None:
            errors += kind.check(obj, None, "")
    except Exception as error:  # noqa: BLE001 - checks may rely on defaults, which nobody filled in here
        return f"it cannot be checked: {error!r}"
    return "; ".join(map(str, errors[:3]))
