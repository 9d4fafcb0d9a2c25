"""Server-side apply of one configuration to one object: what it must be, and what is said when it cannot be applied.

Source of the texts: apimachinery pkg/util/managedfields/internal (structuredmerge.go, versioncheck.go). Where upstream
answers 500 because a configuration is not of its kind's schema, the answer here is 400.
"""

from __future__ import annotations

from wherry.apiserver.catalog import Served
from wherry.apiserver.registry.managedfields import Entries
from wherry.objects import Object
from wherry.objects.apply import managers
from wherry.objects.apply.apply import Applied, apply
from wherry.objects.apply.conflicts import Conflicts
from wherry.objects.apply.shape import Unkeyed
from wherry.objects.apply.update import Write
from wherry.objects.apply.validate import problems
from wherry.objects.definitions import gvk_of
from wherry.objects.errors import BadRequest


def applied(served: Served, write: Write, live: Object, config: Object, entries: Entries, *, force: bool) -> Applied:
    """Return what becomes of `live`, an object without managed fields, and whose its fields are.

    Raises `BadRequest` for a configuration that is not of the kind, `Conflict`.
    """
    _check(served, write, config)
    try:
        return apply(write, live, config, managers.of(entries), force=force)
    except Conflicts as conflicts:
        raise conflicts.error() from conflicts
    except Unkeyed as error:
        raise BadRequest(f"failed to create typed live object ({_called(live)}): {error}") from error


def _check(served: Served, write: Write, config: Object) -> None:
    resource = served.resource
    if gvk_of(config) != (resource.group, resource.version, resource.kind):
        raise BadRequest(f"invalid object type: {_kind(config)}")
    metadata = config.get("metadata")
    if isinstance(metadata, dict) and metadata.get("managedFields") is not None:
        raise BadRequest("metadata.managedFields must be nil")
    if wrong := problems(write.shape, config):
        raise BadRequest(f"failed to create typed patch object ({_called(config)}): {wrong}")


def _called(obj: Object) -> str:
    metadata = obj.get("metadata")
    named = metadata if isinstance(metadata, dict) else {}
    return f"{named.get('namespace', '')}/{named.get('name', '')}; {_kind(obj)}"


def _kind(obj: Object) -> str:
    group, version, kind = gvk_of(obj)
    return f"{group}/{version}, Kind={kind}"
