"""Request bodies: JSON, YAML, or Kubernetes' protobuf."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import yaml
from aiohttp import web

from wherry.objects import Object, fields, protobuf, repeats, schema
from wherry.objects.definitions import GroupVersionKind
from wherry.objects.errors import BadRequest, RequestEntityTooLarge, UnsupportedMediaType
from wherry.objects.verbs import PatchType

PATCHES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
_APPLY = "application/apply-patch"
_YAML = ("application/yaml", "text/yaml")
_DELETE_OPTIONS = ("", "v1", "DeleteOptions")
LARGEST_BODY = 3 * 1024 * 1024
"""Bytes: etcd's limit, and so what Kubernetes takes."""
_JSON = ("", "application/json", "application/octet-stream")


class Body(NamedTuple):
    """A decoded body, and the complaints about what its decoded form does not show."""

    value: Any
    noted: Sequence[str] = ()


class Patch(NamedTuple):
    """A decoded patch, and the complaints about what its decoded form does not show."""

    type: PatchType
    value: Any
    noted: Sequence[str] = ()


class _Loader(yaml.CSafeLoader):
    """YAML as the JSON it stands for: a date is a string. `repeated` are (line, key) of keys given before."""

    def __init__(self, data: bytes):
        super().__init__(data)
        self.repeated: list[tuple[int, str]] = []

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Note the keys that repeat an earlier one."""
        seen: set[str] = set()
        for key, value in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    self.repeated.append((value.start_mark.line + 1, key.value))
                seen.add(key.value)
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def invite(request: web.BaseRequest) -> None:
    """Ask for the body of a request whose client waits to be asked (RFC 9110 §10.1.1)."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def read(request: web.BaseRequest) -> bytes:
    """Return a request's body; raises `RequestEntityTooLarge`."""
    invite(request)
    parts, size = [], 0
    async for part in request.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > LARGEST_BODY:
            raise RequestEntityTooLarge(f"Request entity too large: limit is {LARGEST_BODY}")
    return b"".join(parts)


def _from_yaml(data: bytes) -> Body:
    """Return the JSON a YAML document stands for, its keys sorted, and the complaint about repeated ones.

    Source of text and order: sigs.k8s.io/yaml (YAMLToJSONStrict).
    """
    loader = _Loader(data)
    try:
        value = _json_of(loader.get_single_data())
    finally:
        loader.dispose()
    lines = [f"  line {line}: key {fields.quote(key)} already set in map" for line, key in sorted(loader.repeated)]
    return Body(value, ["\n".join(["yaml: unmarshal errors:", *lines])] if lines else ())


def _from_json(data: bytes, validate: bool) -> Any:
    """Return what a JSON body says, with fields given twice where they are looked for."""
    value = msgspec.json.decode(data)  # strict about what JSON is, and fast
    return repeats.read(data) if validate else value


def _json_of(value: Any) -> Any:
    """Return what a YAML value is in JSON, where keys are strings; ValueError for what JSON does not have."""
    if isinstance(value, dict):
        return {key: _json_of(item) for key, item in sorted((_key_of(k), item) for k, item in value.items())}
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"json: unsupported value: {value}")
    if isinstance(value, list):
        return [_json_of(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    raise ValueError(f"a value of type {type(value).__name__} has no place in JSON")


def _key_of(key: Any) -> str:
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, str | int | float):
        return str(key)
    raise ValueError(f"unsupported map key {key!r}")


def read_object(data: bytes, content_type: str, gvk: GroupVersionKind, validate: bool) -> Body:
    """Return the object in a body of kind `gvk`; `validate` looks for fields given twice.

    Raises `BadRequest` for what cannot be read, `UnsupportedMediaType`.
    """
    media = content_type.partition(";")[0].strip().lower()
    if media == protobuf.MEDIA_TYPE:
        return Body(protobuf.decode(data, gvk))
    try:
        if media in _YAML:
            body = _from_yaml(data)
        elif media in _JSON:
            body = Body(_from_json(data, validate))
        else:
            raise UnsupportedMediaType(
                f"the body of the request was in an unknown format - accepted media types include: {JSON_LIST}"
            )
    except (ValueError, yaml.YAMLError) as error:
        message = "couldn't get version/kind; json parse error"
        raise BadRequest(
            f"the object provided is unrecognized (must be of type {gvk[2]}): {message}: {error}"
        ) from error
    if not isinstance(body.value, dict):
        raise BadRequest(f"the object provided is unrecognized (must be of type {gvk[2]}): it is no object")
    return body


JSON_LIST = "application/json, application/yaml, application/vnd.kubernetes.protobuf"


def read_patch(data: bytes, content_type: str, validate: bool) -> Patch:
    """Return a patch; `validate` looks for fields given twice. Raises `BadRequest`, `UnsupportedMediaType`."""
    media = content_type.partition(";")[0].strip().lower()
    if media.startswith(_APPLY):
        raise UnsupportedMediaType("server-side apply is not supported by this server: use a merge patch")
    if media not in PATCHES:
        known = ", ".join(PATCHES)
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {known}"
        )
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    twice = repeats.paths(repeats.read(data)) if validate else ()
    return Patch(PATCHES[media], value, [f'duplicate field "{path}"' for path in twice])


def read_optional(data: bytes, content_type: str) -> Object | None:
    """Return the DeleteOptions a body holds, None for an empty one."""
    if not data:
        return None
    options: Object = read_object(data, content_type, _DELETE_OPTIONS, False).value
    if options.get("kind", "DeleteOptions") != "DeleteOptions":
        raise BadRequest(f"expected DeleteOptions, got {options['kind']}")
    return schema.typed(options, _DELETE_OPTIONS)[0]
