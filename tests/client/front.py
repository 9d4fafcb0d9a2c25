"""A `FakeClient` served over HTTP in the shape of a Kubernetes API: what `HttpClient` is tested against."""

import asyncio
import re
from contextlib import aclosing

import msgspec
from aiohttp import web

from tests.fake.client import FakeClient
from wherry.objects.errors import ApiError, NotFound
from wherry.objects.resource import Resource

PATH = re.compile(
    r"(?:/api|/apis/(?P<group>[^/]+))/(?P<version>v[^/]+)(?:/namespaces/(?P<namespace>[^/]+)(?=/[a-z]))?"
    r"/(?P<plural>[a-z]+)(?:/(?P<name>[^/]+))?(?:/(?P<subresource>[a-z]+))?"
)
PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
}


class Front:
    """Serves `client` on a free port of the loopback; `base` is its URL."""

    def __init__(self, client: FakeClient | None = None):
        self.client = client or FakeClient()
        self.requests: list[web.Request] = []
        self.base = ""
        self._runner: web.AppRunner | None = None

    async def __aenter__(self) -> "Front":
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._serve)
        self._runner = web.AppRunner(
            app, access_log=None, handle_signals=False, shutdown_timeout=0.1, handler_cancellation=True
        )
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        self.base = "http://{}:{}".format(*self._runner.addresses[0][:2])
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.close()
        assert self._runner is not None
        await self._runner.cleanup()

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        try:
            return await self._route(request)
        except ApiError as error:
            return _json(error.status(), error.code)

    async def _route(self, request: web.Request) -> web.StreamResponse:
        served = await anext(self.client.resources())
        if request.path in ("/api", "/apis"):
            return _json(discovery([r for r in served if (request.path == "/api") is (r.group == "")]))
        match = PATH.fullmatch(request.path)
        names = match and (match["group"] or "", match["version"], match["plural"])
        resource = next((r for r in served if (r.group, r.version, r.plural) == names), None)
        if not match or not resource:
            raise NotFound("the server could not find the requested resource")
        where = match["namespace"], match["name"] or "", match["subresource"] or ""
        if request.method == "GET":
            return await self._read(request, resource, *where)
        return await self._write(request, resource, *where)

    async def _read(
        self, request: web.Request, resource: Resource, namespace: str | None, name: str, _: str
    ) -> web.StreamResponse:
        if name:
            return _json(await self.client.get(resource, name, namespace))
        query = request.query
        selected = {"labels": query.get("labelSelector", ""), "fields": query.get("fieldSelector", "")}
        if "watch" in query:
            return await self._watch(request, resource, namespace, **selected)
        listed = await self.client.list(resource, namespace, **selected)
        items = [{k: v for k, v in o.items() if k not in ("apiVersion", "kind")} for o in listed.items]
        meta = {"resourceVersion": listed.resource_version}
        kind = {"apiVersion": resource.api_version, "kind": resource.kind + "List"}
        return _json({**kind, "metadata": meta, "items": items})

    async def _watch(
        self, request: web.Request, resource: Resource, namespace: str | None, labels: str, fields: str
    ) -> web.StreamResponse:
        version = request.query.get("resourceVersion", "")
        self_events = self.client.watch(resource, namespace, labels=labels, fields=fields, resource_version=version)
        answer = web.StreamResponse(headers={"Content-Type": "application/json"})
        answer.enable_chunked_encoding()
        async with aclosing(self_events) as events:
            following = asyncio.ensure_future(anext(events))
            await asyncio.wait([following], timeout=0.02)  # an error at once is an HTTP error, as upstream's
            if following.done() and isinstance(following.exception(), ApiError):
                raise following.exception()
            await answer.prepare(request)
            try:
                while True:
                    event = await following
                    await answer.write(msgspec.json.encode(event._asdict()) + b"\n")
                    following = asyncio.ensure_future(anext(events))
            except StopAsyncIteration:
                pass
            except ApiError as error:
                await answer.write(msgspec.json.encode({"type": "ERROR", "object": error.status()}) + b"\n")
            finally:
                following.cancel()
        return answer

    async def _write(
        self, request: web.Request, resource: Resource, namespace: str | None, name: str, subresource: str
    ) -> web.StreamResponse:
        body = msgspec.json.decode(await request.read())
        match request.method:
            case "POST":
                made = self.client.create(resource, body, namespace, name=name, subresource=subresource)
                return _json(await made, 201)
            case "PUT":
                return _json(await self.client.update(resource, body, subresource=subresource))
            case "PATCH":
                type = PATCHES[request.content_type]
                patched = self.client.patch(resource, name, body, namespace, type=type, subresource=subresource)
                return _json(await patched)
        await self.client.delete(
            resource,
            name,
            namespace,
            grace_period_seconds=body.get("gracePeriodSeconds"),
            propagation_policy=body.get("propagationPolicy"),
            uid=body.get("preconditions", {}).get("uid"),
        )
        return _json({"apiVersion": "v1", "kind": "Status", "status": "Success"})


def discovery(resources: list[Resource]) -> object:
    """Return the aggregated document, one group and version per resource."""
    items = [
        {
            "metadata": {"name": r.group},
            "versions": [
                {
                    "version": r.version,
                    "resources": [
                        {
                            "resource": r.plural,
                            "responseKind": {"group": r.group, "version": r.version, "kind": r.kind},
                            "scope": "Namespaced" if r.namespaced else "Cluster",
                            "verbs": ["delete", "get", "list", "watch"],
                        }
                    ],
                }
            ],
        }
        for r in resources
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _json(body: object, status: int = 200) -> web.Response:
    return web.Response(body=msgspec.json.encode(body), status=status, content_type="application/json")
