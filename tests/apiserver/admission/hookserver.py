"""A real HTTPS server of admission webhooks: what each path answers is a function of the review's request."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from aiohttp import web

from tests.client.certificates import Authority
from wherry.objects import Object

Answer = Callable[[Object], Object]


def allowed(request: Object) -> Object:
    return {"allowed": True}


def patching(*operations: Object) -> Answer:
    patch = base64.b64encode(json.dumps(operations).encode()).decode()
    return lambda request: {"allowed": True, "patchType": "JSONPatch", "patch": patch}


def labelling(name: str, value: str = "x") -> Answer:
    """Set a label, whether there are others or not."""

    def answer(request: Object) -> Object:
        labels = {**(request["object"]["metadata"].get("labels") or {}), name: value}
        return patching({"op": "add", "path": "/metadata/labels", "value": labels})(request)

    return answer


class HookServer:
    """Listens on a loopback port; `answers` by path, `asked` are (path, request) in their order."""

    def __init__(self, directory: Path, *, names: tuple[str, ...] = ()):
        self.authority = Authority("hook-ca")
        self.answers: dict[str, Answer] = {}
        self.asked: list[tuple[str, Object]] = []
        self.sent: list[dict[str, str]] = []
        self.port = 0
        certificate, key = self.authority.issue("hook", names=names)
        (directory / "hook.pem").write_bytes(certificate + key)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(directory / "hook.pem")
        app = web.Application(client_max_size=1 << 24)
        app.router.add_post("/{path}", self._answer)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)

    async def __aenter__(self) -> HookServer:
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=self._tls).start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()

    @property
    def ca(self) -> str:
        return base64.b64encode(self.authority.pem).decode()

    def hook(self, path: str, answer: Answer, *resources: str, **changes: Any) -> Object:
        """Return a webhook that is called for creates and updates of `resources` of the core group."""
        self.answers[path] = answer
        rule = {"operations": ["CREATE", "UPDATE"], "apiGroups": [""], "apiVersions": ["v1"]}
        return {
            "name": f"{path}.example.com",
            "clientConfig": {"url": f"https://127.0.0.1:{self.port}/{path}", "caBundle": self.ca},
            "rules": [{**rule, "resources": list(resources)}],
            "sideEffects": "None",
            "admissionReviewVersions": ["v1"],
            **changes,
        }

    def paths(self) -> list[str]:
        return [path for path, _ in self.asked]

    async def _answer(self, request: web.Request) -> web.Response:
        review = await request.json()
        path = request.match_info["path"]
        self.asked.append((path, review["request"]))
        self.sent.append({**request.headers, "query": request.query_string})
        answer = self.answers[path](review["request"])
        if asyncio.iscoroutine(answer):
            answer = await answer
        if "raw" in answer:
            return web.Response(status=answer.get("code", 200), text=answer["raw"])
        response = {"uid": review["request"]["uid"], **answer}
        return web.json_response({"kind": review["kind"], "apiVersion": review["apiVersion"], "response": response})
