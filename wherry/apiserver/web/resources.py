"""Requests for objects: HTTP on one side, `Api` on the other."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from wherry.apiserver.api.api import Api, Target
from wherry.apiserver.catalog import Served
from wherry.apiserver.registry.options import WriteOptions
from wherry.apiserver.user import User
from wherry.apiserver.web import bodies, media, query, responses, shapes
from wherry.apiserver.web.audited import carries
from wherry.apiserver.web.media import Form
from wherry.apiserver.web.watching import WatchResponse
from wherry.objects import Object
from wherry.objects.errors import Expired

_WRITES = {"POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


class Resources:
    """Answers requests whose path names a resource. Raises the errors of `wherry.objects.errors`."""

    def __init__(self, api: Api):
        self._api = api

    async def answer(
        self,
        request: web.BaseRequest,
        user: User,
        target: Target,
        warnings: list[str],
        started: Callable[[], None] | None = None,
    ) -> web.StreamResponse:
        """Do what the request asks for; what is said to `warnings` becomes headers.

        A watch calls `started` when its initial objects are sent, and it only waits for changes.
        """
        if target.resource in self._api.posted:
            if request.method != "POST":
                raise target.not_allowed(request.method.lower())
        else:
            served = self._api.served(target.resource)
            self._check_verb(request, target)
            if text := served.kind.deprecations.get((target.resource.group, target.resource.version)):
                warnings.append(text)
        if verb := _WRITES.get(request.method):
            # Here as well as in `Api`: not a byte is read of the body of somebody who may not write.
            self._api.require(user, target, verb)
        match request.method:
            case "GET" | "HEAD":
                return await self._read(request, user, target, warnings, started)
            case "POST":
                return await self._create(request, user, target, warnings)
            case "PUT":
                return await self._update(request, user, target, warnings)
            case "PATCH":
                return await self._patch(request, user, target, warnings)
            case "DELETE":
                return await self._delete(request, user, target, warnings)
        raise target.not_allowed(request.method.lower())

    def _check_verb(self, request: web.BaseRequest, target: Target) -> None:
        """Raise `MethodNotAllowed` for what cannot be done with objects that are not stored."""
        if target.resource in self._api.computed.served:
            watched = query.flag(request.query, "watch") and not target.name
            if watched or request.method not in ("GET", "HEAD"):
                raise target.not_allowed("watch" if watched else _WRITES.get(request.method, request.method.lower()))

    async def _read(
        self,
        request: web.BaseRequest,
        user: User,
        target: Target,
        warnings: list[str],
        started: Callable[[], None] | None,
    ) -> web.StreamResponse:
        served = self._api.served(target.resource)
        form = self._form(request, target)
        if target.name:
            obj = await self._api.get(user, target)
            return self._shown(served, target, obj, form, warnings)
        if query.flag(request.query, "watch"):
            return await self._watch(request, user, target, form, warnings, started)
        page = await self._api.list(user, target, query.list_options(request.query))
        return responses.answer(shapes.many(served, page, form), 200, form.type, warnings)

    async def _watch(
        self,
        request: web.BaseRequest,
        user: User,
        target: Target,
        form: Form,
        warnings: list[str],
        started: Callable[[], None] | None,
    ) -> web.StreamResponse:
        options = query.watch_options(request.query)
        response = WatchResponse(request, self._api.registry, self._api.served(target.resource), form)
        try:
            stream = await self._api.watch(user, target, options)
        except Expired as error:
            return await response.refuse(error)
        return await response.run(stream, options, warnings, started)

    async def _create(
        self, request: web.BaseRequest, user: User, target: Target, warnings: list[str]
    ) -> web.StreamResponse:
        _require_place(target, "create")
        form = self._form(request, target)
        body, options = await self._body(request, target, warnings)
        made = await self._api.create(user, target, body, options)
        if target.resource in self._api.posted or target.subresource:
            return responses.answer(made, 201, form.type, warnings)
        return self._shown(self._api.served(target.resource), target, made, form, warnings, 201)

    async def _update(
        self, request: web.BaseRequest, user: User, target: Target, warnings: list[str]
    ) -> web.StreamResponse:
        _require_name(target, "update")
        form = self._form(request, target)
        body, options = await self._body(request, target, warnings)
        made = await self._api.update(user, target, body, options)
        served = self._api.served(target.resource)
        return self._shown(served, target, made.object, form, warnings, 201 if made.created else 200)

    async def _patch(
        self, request: web.BaseRequest, user: User, target: Target, warnings: list[str]
    ) -> web.StreamResponse:
        _require_name(target, "patch")
        form = self._form(request, target)
        data, content_type = await bodies.read(request), request.headers.get("Content-Type", "")
        served = self._api.served(target.resource)
        if bodies.is_applied(content_type):
            config = bodies.read_config(data)
            carries(request, config.value)
            options = query.apply_options(request.query, warnings.append, config.noted)
            put = await self._api.apply(user, target, config.value, options)
            return self._shown(served, target, put.object, form, warnings, 201 if put.created else 200)
        type_, patch, noted = bodies.read_patch(data, content_type, _validates(request))
        carries(request, patch)
        options = query.patch_options(request.query, warnings.append, noted, _agent(request))
        made = await self._api.patch(user, target, type_, patch, options)
        return self._shown(served, target, made, form, warnings)

    async def _delete(
        self, request: web.BaseRequest, user: User, target: Target, warnings: list[str]
    ) -> web.StreamResponse:
        _require_place(target, "deletecollection")
        form = self._form(request, target)
        served = self._api.served(target.resource)
        body = bodies.read_optional(await bodies.read(request), request.headers.get("Content-Type", ""))
        options, dry_run = query.delete_options(request.query, body)
        carries(request, body)
        write = WriteOptions(dry_run=dry_run, warn=warnings.append)
        if not target.name:
            selected = query.list_options(request.query)
            page = await self._api.delete_collection(user, target, selected, options, write)
            return responses.answer(shapes.many(served, page, form), 200, form.type, warnings)
        deletion = await self._api.delete(user, target, options, write)
        shown = _deleted(target, deletion.object) if deletion.gone else shapes.one(served, deletion.object, form)
        return responses.answer(shown, 200, form.type, warnings)

    def _form(self, request: web.BaseRequest, target: Target) -> Form:
        """Return the form asked for. Reviews, actions and views of another kind (Scale) come as what they are."""
        include = request.query.get("includeObject", "") or "Metadata"
        return media.form(request.headers.get("Accept", ""), include, self._api.answers_with_own_kind(target))

    async def _body(self, request: web.BaseRequest, target: Target, warnings: list[str]) -> tuple[Object, WriteOptions]:
        """Return the object a request carries and the options of writing it."""
        resource = target.resource
        gvk = (resource.group, resource.version, resource.kind)
        content_type = request.headers.get("Content-Type", "")
        body = bodies.read_object(await bodies.read(request), content_type, gvk, _validates(request))
        carries(request, body.value)
        return body.value, query.write_options(request.query, warnings.append, body.noted, _agent(request))

    def _shown(
        self, served: Served, target: Target, obj: Object, form: Form, warnings: list[str], status: int = 200
    ) -> web.Response:
        """Answer with one object; a view of another kind (Scale) is shown as it is."""
        shown = obj if obj.get("kind") != served.resource.kind else shapes.one(served, obj, form)
        return responses.answer(shown, status, form.type, warnings)


def _validates(request: web.BaseRequest) -> bool:
    """Return whether fields given twice are looked for: unless a client does not want to hear of them."""
    return request.query.get("fieldValidation") != "Ignore"


def _agent(request: web.BaseRequest) -> str:
    """Return what a client says that it is."""
    return request.headers.get("User-Agent", "")


def _require_name(target: Target, verb: str) -> None:
    if not target.name:
        raise target.not_allowed(verb)


def _require_place(target: Target, verb: str) -> None:
    """Raise `MethodNotAllowed` for all namespaces at once: they can be read, not written."""
    if target.resource.namespaced and target.namespace is None:
        raise target.not_allowed(verb)


def _deleted(target: Target, obj: Object) -> Object:
    resource = target.resource
    details = {"name": target.name, "group": resource.group, "kind": resource.plural, "uid": obj["metadata"]["uid"]}
    details = {key: value for key, value in details.items() if value}
    return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
