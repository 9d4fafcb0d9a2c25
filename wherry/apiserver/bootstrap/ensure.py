"""An object as it is wanted, whatever was there before."""

from __future__ import annotations

from wherry.client.interface import Client
from wherry.objects import Object
from wherry.objects.errors import AlreadyExists, NotFound
from wherry.objects.meaning.wellknown import FLOWCONTROL_AUTOUPDATE, RBAC_AUTOUPDATE
from wherry.objects.resource import Resource


async def ensure(client: Client, resource: Resource, wanted: Object) -> None:
    """Create `wanted`, or give the object of its name the same content; other metadata of that object stays."""
    metadata = wanted["metadata"]
    name, namespace = metadata["name"], metadata.get("namespace")
    try:
        current = await client.get(resource, name, namespace)
    except NotFound:
        try:
            await client.create(resource, wanted, namespace)
            return
        except AlreadyExists:
            current = await client.get(resource, name, namespace)
    annotations = current["metadata"].get("annotations") or {}
    if "false" in (annotations.get(RBAC_AUTOUPDATE), annotations.get(FLOWCONTROL_AUTOUPDATE)):
        return
    changed = _like(current, wanted)
    if changed != current:
        await client.update(resource, changed)


def _like(current: Object, wanted: Object) -> Object:
    """Return `current` with every part that `wanted` has, metadata merged; rules that it has gathered stay."""
    merged = {**current, **{k: v for k, v in wanted.items() if k != "metadata"}}
    if current.get("aggregationRule") and wanted.get("aggregationRule"):
        rules = current.get("rules") or []
        merged["rules"] = [*rules, *(rule for rule in wanted["rules"] if rule not in rules)]
    metadata = dict(current["metadata"])
    for part in ("labels", "annotations"):
        if extra := wanted["metadata"].get(part):
            metadata[part] = {**(metadata.get(part) or {}), **extra}
    return {**merged, "metadata": metadata}
