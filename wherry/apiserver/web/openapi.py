"""`/openapi/v2` and `/openapi/v3`: the schema documents, made when first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
from aiohttp import web

from wherry.apiserver.catalog import unknown_path
from wherry.apiserver.web import media
from wherry.apiserver.web.documents import Document
from wherry.apiserver.web.inventory import Entry
from wherry.objects import openapi, openapi_protobuf
from wherry.objects.openapi import ServedKind, Subresource

JSON = "application/json"
PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""What the protobuf document is called in answers: `@` in a media type, as clients ask for it, is not well formed."""


class OpenApi:
    """The documents for `entries`. Making one takes up to a tenth of a second, which a thread does."""

    def __init__(self, entries: list[Entry], server_version: str):
        self._kinds = [_served(entry) for entry in entries]
        self._version = server_version
        self._documents: dict[tuple[str, str], asyncio.Task[Document]] = {}

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a path below `/openapi`; raises `NotFound`."""
        match request.path.strip("/").split("/")[1:]:
            case ["v2"]:
                wanted = _v2_media(request.headers.get("Accept", ""))
                document = await self._document("v2", wanted, lambda: self._v2(wanted))
            case ["v3"]:
                document = await self._document("v3", JSON, lambda: _json(openapi.openapi_v3_index(self._kinds)))
            case ["v3", *parts]:
                group, version = self._group_version("/" + "/".join(parts))
                document = await self._document(
                    request.path,
                    JSON,
                    lambda: _json(openapi.openapi_v3(self._kinds, group, version, self._version)),
                )
                return document.answer(request, forever="hash" in request.query)
            case _:
                raise unknown_path()
        return document.answer(request)

    async def _document(self, name: str, type_: str, make: Callable[[], bytes]) -> Document:
        task = self._documents.get((name, type_))
        if task is None:

            async def made() -> Document:
                return Document(await asyncio.to_thread(make), type_)

            task = self._documents[name, type_] = asyncio.create_task(made())
        return await asyncio.shield(task)  # one client that leaves must not spoil it for the others

    def _v2(self, type_: str) -> bytes:
        swagger = openapi.swagger(self._kinds, self._version)
        return _json(swagger) if type_ == JSON else openapi_protobuf.swagger_protobuf(swagger)

    def _group_version(self, prefix: str) -> tuple[str, str]:
        for kind in self._kinds:
            if kind.prefix == prefix:
                return kind.group, kind.version
        raise unknown_path()


def _v2_media(accept: str) -> str:
    for clause in media.clauses(accept):
        if clause.type in (openapi_protobuf.MEDIA_TYPE, PROTOBUF):
            return PROTOBUF
        if clause.type in (JSON, "*/*", "application/*"):
            return JSON
    return JSON


def _json(document: object) -> bytes:
    return msgspec.json.encode(document)


def _served(entry: Entry) -> ServedKind:
    resource = entry.resource
    parts = [
        Subresource(
            part.name, None if part.stream else (part.kind.group, part.kind.version, part.kind.kind), part.verbs
        )
        for part in entry.parts
    ]
    names = resource.group, resource.version, resource.kind, resource.plural
    return ServedKind(*names, resource.namespaced, entry.verbs, parts, entry.type)
