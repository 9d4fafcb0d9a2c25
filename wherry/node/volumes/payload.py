"""configMap, secret, downwardAPI and projected volumes as files. Pure: the objects and tokens are passed in as lookups.

Source: kubernetes pkg/volume/configmap, secret, downwardapi, projected (collectData, MakePayload).
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from wherry.node.downward import fields
from wherry.node.volumes.atomic import File
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object

DEFAULT_MODE = 0o644

Lookup = Callable[[str, str], Object | None]
Tokens = Callable[[Object], str]
"""Returns the token a `serviceAccountToken` projection asks for; it has been fetched already."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What payloads depend on beside their source: the pod and its addresses, the node, objects and tokens."""

    pod: Object
    pod_ips: Sequence[str]
    host_ips: Sequence[str]
    allocatable: Mapping[str, int]
    lookup: Lookup
    token: Tokens


def config_map(source: Object, facts: Facts, default_mode: int) -> dict[str, File]:
    """Return the files of a ConfigMap."""
    name = source.get("name", "")
    obj = facts.lookup("ConfigMap", name)
    if obj is None:
        return _missing("configmap", name, source)
    data = {k: v.encode() for k, v in (obj.get("data") or {}).items()}
    data |= {k: base64.b64decode(v) for k, v in (obj.get("binaryData") or {}).items()}
    return _choose(data, source, default_mode, "configmap references non-existent config key: {}")


def secret(source: Object, facts: Facts, default_mode: int) -> dict[str, File]:
    """Return the files of a Secret; `secretName` in a volume, `name` in a projection."""
    name = source.get("secretName") or source.get("name") or ""
    obj = facts.lookup("Secret", name)
    if obj is None:
        return _missing("secret", name, source)
    data = {k: base64.b64decode(v) for k, v in (obj.get("data") or {}).items()}
    return _choose(data, source, default_mode, "references non-existent secret key: {}")


def _missing(kind: str, name: str, source: Object) -> dict[str, File]:
    if source.get("optional"):
        return {}
    raise VolumeError(f'{kind} "{name}" not found')


def _choose(data: Mapping[str, bytes], source: Object, default_mode: int, missing: str) -> dict[str, File]:
    """Return all of `data` under its keys, or the `items` under their paths."""
    items = source.get("items")
    if not items:
        return {key: File(value, default_mode) for key, value in data.items()}
    files: dict[str, File] = {}
    for item in items:
        if item["key"] not in data:
            if source.get("optional"):
                continue
            raise VolumeError(missing.format(item["key"]))
        files[_safe(item["path"])] = File(data[item["key"]], _bits(item.get("mode"), default_mode))
    return files


def downward_api(source: Object, facts: Facts, default_mode: int) -> dict[str, File]:
    """Return the files of a downwardAPI volume or projection."""
    files: dict[str, File] = {}
    for item in source.get("items") or ():
        try:
            if "fieldRef" in item:
                path = item["fieldRef"]["fieldPath"]
                text = fields.value(facts.pod, path, pod_ips=facts.pod_ips, host_ips=facts.host_ips)
            else:
                nobody: Object = {}
                text = str(fields.resource(facts.pod, nobody, item["resourceFieldRef"], facts.allocatable))
        except ValueError as error:
            raise VolumeError(str(error)) from error
        files[_safe(item["path"])] = File(text.encode(), _bits(item.get("mode"), default_mode))
    return files


def projected(source: Object, facts: Facts, default_mode: int) -> dict[str, File]:
    """Return the files of all of a projected volume's sources, later ones over earlier ones."""
    files: dict[str, File] = {}
    for one in source.get("sources") or ():
        for kind, part in one.items():
            if kind == "serviceAccountToken":
                files[_safe(part["path"])] = File(facts.token(part).encode(), default_mode)
            elif kind in PROJECTIONS:
                files |= PROJECTIONS[kind](part, facts, default_mode)
            else:
                raise VolumeError(f"projected source {kind} is not supported by this node")
    return files


PROJECTIONS = {"configMap": config_map, "secret": secret, "downwardAPI": downward_api}
PAYLOADS = {**PROJECTIONS, "projected": projected}


def build(kind: str, source: Object, facts: Facts) -> dict[str, File]:
    """Return the files of a volume of one of the kinds in `PAYLOADS`; raises VolumeError."""
    return PAYLOADS[kind](source, facts, _bits(source.get("defaultMode"), DEFAULT_MODE))


def _bits(mode: int | None, default: int) -> int:
    return default if mode is None else mode


def _safe(path: str) -> str:
    """Refuse a path that would leave the volume; the API server has validated it, but we write as root."""
    parts = PurePosixPath(path)
    if parts.is_absolute() or ".." in parts.parts or str(parts).startswith(".."):
        raise VolumeError(f"invalid path {path!r} in a volume")
    return str(parts)
