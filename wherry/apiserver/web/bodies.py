"""Request bodies: JSON, YAML, or Kubernetes' protobuf."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec
import yaml
from aiohttp import web

from wherry.apiserver.web import yamldocument
from wherry.objects import Object, protobuf, repeats, schema
from wherry.objects.budget import BYTES as LARGEST_BODY
from wherry.objects.budget import check_json
from wherry.objects.definitions import GroupVersionKind
from wherry.objects.errors import BadRequest, RequestEntityTooLarge, Timeout, UnsupportedMediaType
from wherry.objects.verbs import PatchType

PATCHES: dict[str, PatchType] = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}
APPLY = "application/apply-patch+yaml"
_YAML = ("application/yaml", "text/yaml")
_DELETE_OPTIONS = ("", "v1", "DeleteOptions")
BODY_SECONDS = 30.0
"""How long a body may take to come."""
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


def invite(request: web.BaseRequest) -> None:
    """Ask for the body of a request whose client waits to be asked (RFC 9110 §10.1.1)."""
    if request.headers.get("Expect", "").lower() == "100-continue" and request.transport is not None:
        request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")


async def read(request: web.BaseRequest) -> bytes:
    """Return a request's body; raises `RequestEntityTooLarge`, `UnsupportedMediaType`, `Timeout`.

    Only for who may do what is asked for: nobody else's body is worth its memory.
    """
    encoding = request.headers.get("Content-Encoding", "identity").lower()
    if encoding != "identity":
        raise UnsupportedMediaType(f"the body of the request has an unsupported Content-Encoding: {encoding}")
    if (request.content_length or 0) > LARGEST_BODY:
        raise _too_large()
    invite(request)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _whole(request)
    except TimeoutError:
        message = f"Timeout: request did not complete within {BODY_SECONDS:.0f}s: its body did not come"
        raise Timeout(message) from None


async def _whole(request: web.BaseRequest) -> bytes:
    parts, size = [], 0
    async for part in request.content.iter_any():
        parts.append(part)
        size += len(part)
        if size > LARGEST_BODY:
            raise _too_large()
    return b"".join(parts)


def _too_large() -> RequestEntityTooLarge:
    return RequestEntityTooLarge(f"Request entity too large: limit is {LARGEST_BODY}")


def _from_json(data: bytes, validate: bool) -> Any:
    """Return what a JSON body says, with fields given twice where they are looked for."""
    check_json(data)
    value = msgspec.json.decode(data)  # strict about what JSON is, and fast
    return repeats.read(data) if validate else value


def read_object(data: bytes, content_type: str, gvk: GroupVersionKind, validate: bool) -> Body:
    """Return the object in a body of kind `gvk`; `validate` looks for fields given twice.

    Raises `BadRequest` for what cannot be read, `UnsupportedMediaType`.
    """
    media = _media(content_type)
    if media == protobuf.MEDIA_TYPE:
        return Body(protobuf.decode(data, gvk))
    try:
        if media in _YAML:
            body = Body(*yamldocument.read(data))
        elif media in _JSON:
            body = Body(_from_json(data, validate))
        else:
            raise UnsupportedMediaType(
                f"the body of the request was in an unknown format - accepted media types include: {JSON_LIST}"
            )
    except (ValueError, RecursionError, yaml.YAMLError) as error:
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
    media = _media(content_type)
    if media not in PATCHES:
        known = ", ".join((*PATCHES, APPLY))
        raise UnsupportedMediaType(
            f"the body of the request was in an unknown format - accepted media types include: {known}"
        )
    try:
        check_json(data)
        value = msgspec.json.decode(data)
        twice = repeats.paths(repeats.read(data)) if validate else ()
    except (ValueError, RecursionError) as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    return Patch(PATCHES[media], value, [f'duplicate field "{path}"' for path in twice])


def _media(content_type: str) -> str:
    """Return a content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def is_applied(content_type: str) -> bool:
    """Return whether what is sent is a configuration to apply."""
    return _media(content_type) == APPLY


def read_config(data: bytes) -> Body:
    """Return a configuration to apply, as YAML or as JSON, which is YAML too; raises `BadRequest`."""
    try:
        body = Body(*yamldocument.read(data))
    except (ValueError, RecursionError, yaml.YAMLError) as error:
        raise BadRequest(f"error decoding patch: {error}") from error
    if not isinstance(body.value, dict):
        raise BadRequest("error decoding patch: it is no object")
    return body


def read_optional(data: bytes, content_type: str) -> Object | None:
    """Return the DeleteOptions a body holds, None for an empty one."""
    if not data:
        return None
    options: Object = read_object(data, content_type, _DELETE_OPTIONS, False).value
    if options.get("kind", "DeleteOptions") != "DeleteOptions":
        raise BadRequest(f"expected DeleteOptions, got {options['kind']}")
    return schema.typed(options, _DELETE_OPTIONS)[0]
