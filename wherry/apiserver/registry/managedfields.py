"""`metadata.managedFields`: who set which field, as far as a write says so itself.

Kept or reset by upstream's rule, never dropped: a client that does not know the field must not lose it for others.
That a write records its own manager is still to come; it belongs in `after`.
Source: apimachinery pkg/util/managedfields/internal/fieldmanager.go (decodeLiveOrNew, isResetManagedFields),
managedfields.go (DecodeManagedFields).
"""

from __future__ import annotations

from collections.abc import Sequence

from wherry.objects import Object

Entries = Sequence[Object]


def after(asked: Entries | None, live: Entries, part: str) -> Entries:
    """Return the entries an object has after a write that `asked` for some (None: it did not say).

    `live` are those before it (none of a new object). Through a subresource (`part`) nobody writes them; an empty list
    or one empty entry forgets them all; a list that cannot be understood is as good as none.
    """
    if part or asked is None:
        return live
    if _is_reset(asked):
        return ()
    return asked if all(map(_readable, asked)) else live


def _is_reset(asked: Entries) -> bool:
    """Return whether a client that sent `asked` wants every manager forgotten."""
    return not asked or (len(asked) == 1 and not asked[0])


def _readable(entry: Object) -> bool:
    return entry.get("fieldsType") == "FieldsV1" and isinstance(entry.get("fieldsV1", {}), dict)
