"""`/openapi/v2` and `/openapi/v3`: the schema documents, made when first asked for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

import msgspec
from aiohttp import web

from wherry.apiserver.api.api import Api
from wherry.apiserver.calls.remotes import Remotes, Swagger
from wherry.apiserver.catalog import unknown_path
from wherry.apiserver.web import media
from wherry.apiserver.web.documents import Document
from wherry.apiserver.web.inventory import Part, ResourceEntry, inventory
from wherry.objects.definitions import GroupVersionKind
from wherry.objects.openapi import documents, merging, protobuf
from wherry.objects.openapi.served import ServedKind, Subresource, by_version
from wherry.objects.resource import Resource

JSON = "application/json"
PROTOBUF = "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
"""What the protobuf document is called in answers: `@` in a media type, as clients ask for it, is not well formed."""


class _Made(NamedTuple):
    """A document of one group and version, and all that went into it."""

    source: Any
    document: Document


class OpenApi:
    """The documents, made when first asked for and again when the set of kinds has changed.

    Making them takes up to a tenth of a second, which a thread does; those of a group and version in which nothing has
    changed are kept.
    """

    def __init__(self, api: Api, remotes: Remotes, server_version: str):
        self._api = api
        self._remotes = remotes
        self._version = server_version
        self._generation = (-1, (-1, -1))
        self._kinds: Sequence[ServedKind] = ()
        self._making: dict[str, asyncio.Task[Any]] = {}
        self._versions: dict[str, _Made] = {}

    async def answer(self, request: web.BaseRequest) -> web.Response:
        """Answer a path below `/openapi`; raises `NotFound`."""
        self._refresh()
        match request.path.strip("/").split("/")[1:]:
            case ["v2"]:
                wanted = _v2_media(request.headers.get("Accept", ""))
                document: Document = await self._once(wanted, partial(self._v2, wanted, self._kinds, self._foreign()))
                return document.answer(request)
            case ["v3"]:
                index: Document = await self._once("index", partial(self._index, self._kinds, self._hashes()))
                return index.answer(request)
            case ["v3", *parts]:
                await self._once("index", partial(self._index, self._kinds, self._hashes()))
                return _version_answer(request, self._versions.get("/".join(parts)))
        raise unknown_path()

    def _refresh(self) -> None:
        generation = self._api.catalog.generation, self._remotes.generation
        if self._generation != generation:
            self._generation = generation
            self._kinds = [_served(entry) for entry in inventory(self._api)]
            self._making = {}

    async def _once(self, name: str, make: Callable[[], Any]) -> Any:
        if name not in self._making:
            self._making[name] = asyncio.create_task(asyncio.to_thread(make))
        return await asyncio.shield(self._making[name])  # one client that leaves must not spoil it for the others

    def _foreign(self) -> list[Swagger]:
        """Return what other servers say of what they serve."""
        return [self._remotes.known(one["metadata"]["name"]).v2 for one in self._remotes]

    def _hashes(self) -> dict[str, str]:
        """Return the hashes of other servers' documents."""
        known = {one["metadata"]["name"]: one["spec"] for one in self._remotes}
        hashes = {f"apis/{s['group']}/{s['version']}": self._remotes.known(name).v3_hash for name, s in known.items()}
        return {path: hash_ for path, hash_ in hashes.items() if hash_}

    def _v2(self, type_: str, kinds: Sequence[ServedKind], foreign: Sequence[Swagger]) -> Document:
        swagger = documents.swagger(kinds, self._version)
        for one in foreign:
            swagger = merging.merged(swagger, one.paths, one.definitions)
        data = msgspec.json.encode(swagger) if type_ == JSON else protobuf.swagger_protobuf(swagger)
        return Document(data, type_)

    def _index(self, kinds: Sequence[ServedKind], foreign: Mapping[str, str]) -> Document:
        """Make the document of each group and version, and then the one that lists them with their hashes."""
        versions: dict[str, _Made] = {}
        for prefix, source in by_version(kinds).items():
            made = self._versions.get(prefix)
            if made is None or made.source != source:
                data = msgspec.json.encode(documents.openapi_v3(*source, self._version))
                made = _Made(source, Document(data, JSON))
            versions[prefix] = made
        self._versions = versions
        hashes = {**{prefix: made.document.hash for prefix, made in versions.items()}, **foreign}
        return Document(msgspec.json.encode(documents.openapi_v3_index(hashes)), JSON)


def _version_answer(request: web.BaseRequest, made: _Made | None) -> web.Response:
    """Answer with the document of a group and version; to a client that asks for an older one, say where the new is."""
    if made is None:
        raise unknown_path()
    asked = request.query.get("hash")
    if asked and asked != made.document.hash:
        return web.Response(status=301, headers={"Location": f"{request.path}?hash={made.document.hash}"})
    return made.document.answer(request, forever=bool(asked))


def _v2_media(accept: str) -> str:
    for clause in media.clauses(accept):
        if clause.type in (protobuf.MEDIA_TYPE, PROTOBUF):
            return PROTOBUF
        if clause.type in (JSON, "*/*", "application/*"):
            return JSON
    return JSON


def _served(entry: ResourceEntry) -> ServedKind:
    resource = entry.resource
    names = resource.group, resource.version, resource.kind, resource.plural
    return ServedKind(
        *names, resource.namespaced, entry.verbs, [_part(part) for part in entry.parts], entry.type, entry.list_kind
    )


def _part(part: Part) -> Subresource:
    if part.options is not None:
        return Subresource(part.name, None, part.verbs, _gvk(part.options))
    return Subresource(part.name, _gvk(part.kind), part.verbs)


def _gvk(resource: Resource) -> GroupVersionKind:
    return resource.group, resource.version, resource.kind
