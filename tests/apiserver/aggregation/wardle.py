"""A real API server behind another: the group wardle.example.com, its flunders, over TLS with client certificates."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from pathlib import Path

from aiohttp import web

from tests.client.certificates import Authority
from wherry.objects import Object

GROUP, VERSION = "wardle.example.com", "v1alpha1"
NAME = f"{VERSION}.{GROUP}"
PATH = f"/apis/{GROUP}/{VERSION}"
SERVER = "api.wardle.svc"
FLUNDER = {"kind": "Flunder", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {"name": "one", "namespace": "demo"}}
RESOURCES = [
    {
        "name": "flunders",
        "singularName": "flunder",
        "namespaced": True,
        "kind": "Flunder",
        "verbs": ["get", "list", "watch"],
        "shortNames": ["flu"],
    },
    {"name": "flunders/status", "singularName": "", "namespaced": True, "kind": "Flunder", "verbs": ["get"]},
]
SCHEMA = {
    "type": "object",
    "description": "A Flunder is a friend.",
    "x-kubernetes-group-version-kind": [{"group": GROUP, "version": VERSION, "kind": "Flunder"}],
}


class Wardle:
    """Answers on a loopback port; `asked` are the requests, as (path, headers, the peer certificate's name)."""

    def __init__(self, directory: Path, front: Authority):
        self.authority = Authority("wardle-ca")
        self.asked: list[tuple[str, list[tuple[str, str]], str]] = []
        self.port = 0
        self.broken = 0
        certificate, key = self.authority.issue("wardle", names=(SERVER,))
        (directory / "wardle.pem").write_bytes(certificate + key)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cadata=front.pem.decode())
        self._tls.verify_mode = ssl.CERT_REQUIRED
        self._tls.load_cert_chain(directory / "wardle.pem")
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> Wardle:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    def api_service(self, **spec: object) -> Object:
        """Return its APIService."""
        return {
            "metadata": {"name": NAME},
            "spec": {
                "group": GROUP,
                "version": VERSION,
                "groupPriorityMinimum": 2000,
                "versionPriority": 10,
                "service": {"namespace": "wardle", "name": "api", "port": self.port},
                "caBundle": base64.b64encode(self.authority.pem).decode(),
                **spec,
            },
        }

    def users(self, path: str = f"{PATH}/") -> list[dict[str, list[str]]]:
        """Return what requests below a path said of their users."""
        said = []
        for asked, headers, _ in self.asked:
            if asked.startswith(path):
                names = {name for name, _ in headers if name.lower().startswith("x-remote-")}
                said.append({name: [v for n, v in headers if n == name] for name in sorted(names)})
        return said

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        certificate = request.transport.get_extra_info("peercert") if request.transport else None
        subject = dict(pair for part in certificate["subject"] for pair in part) if certificate else {}
        self.asked.append((request.raw_path, list(request.headers.items()), subject.get("commonName", "")))
        if self.broken:
            return web.Response(status=self.broken)
        if request.query.get("watch"):
            return await self._watch(request)
        found = self._document(request)
        return web.json_response(found) if found else web.Response(status=404)

    def _document(self, request: web.Request) -> Object | None:
        several = {"kind": "FlunderList", "apiVersion": f"{GROUP}/{VERSION}", "metadata": {"resourceVersion": "1"}}
        match request.path.strip("/"):
            case "openapi/v3":
                return {"paths": {PATH[1:]: {"serverRelativeURL": f"/openapi/v3{PATH}?hash=ABC"}}}
            case "openapi/v2":
                answer = {"200": {"description": "OK", "schema": {"$ref": "#/definitions/com.example.Flunder"}}}
                kind = SCHEMA["x-kubernetes-group-version-kind"][0]
                get = {"responses": answer, "x-kubernetes-group-version-kind": kind}
                paths = {f"{PATH}/flunders": {"get": get}, "/version/": {"get": get}}
                return {"swagger": "2.0", "paths": paths, "definitions": {"com.example.Flunder": SCHEMA}}
            case path if path == f"openapi/v3{PATH}":
                kind = SCHEMA["x-kubernetes-group-version-kind"][0]
                get = {"x-kubernetes-action": "list", "x-kubernetes-group-version-kind": kind}
                get["responses"] = {"200": {"description": "OK"}}
                paths = {f"{PATH}/namespaces/{{namespace}}/flunders": {"get": get}}
                return {"openapi": "3.0.0", "paths": paths, "components": {"schemas": {"com.example.Flunder": SCHEMA}}}
            case path if path == PATH[1:]:
                return {"kind": "APIResourceList", "groupVersion": f"{GROUP}/{VERSION}", "resources": RESOURCES}
            case path if path.endswith("/flunders"):
                return {**several, "items": [FLUNDER]}
            case path if path.endswith("/flunders/one"):
                return FLUNDER
        return None

    async def _watch(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(json.dumps({"type": "ADDED", "object": FLUNDER}).encode() + b"\n")
        await asyncio.sleep(60)  # until the client goes
        return response
