"""Pages that are no objects: version, health, metrics, the token issuer's keys, the list of paths."""

from __future__ import annotations

import platform
from collections.abc import Awaitable, Callable

from aiohttp import web

from wherry.apiserver.access.accounts import Accounts
from wherry.apiserver.web import responses
from wherry.component.health import Health
from wherry.objects import Object
from wherry.objects.version import GIT_VERSION, MAJOR, MINOR

Page = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]

VERSION: Object = {
    "major": str(MAJOR),
    "minor": str(MINOR),
    "gitVersion": GIT_VERSION,
    "gitCommit": "",
    "gitTreeState": "clean",
    "buildDate": "1970-01-01T00:00:00Z",
    "goVersion": f"python{platform.python_version()}",
    "compiler": platform.python_implementation(),
    "platform": f"linux/{ {'x86_64': 'amd64', 'aarch64': 'arm64'}.get(platform.machine(), platform.machine()) }",
}
"""The version of the API this server speaks. No commit or date is claimed: there is no such build of Kubernetes."""


def pages(health: Health, accounts: Accounts) -> dict[str, Page]:
    """Return the pages by path."""

    async def version(request: web.BaseRequest) -> web.StreamResponse:
        return responses.answer(VERSION)

    async def issuer(request: web.BaseRequest) -> web.StreamResponse:
        return responses.answer(
            {
                "issuer": accounts.issuer,
                "jwks_uri": f"{accounts.issuer}/openid/v1/jwks",
                "response_types_supported": ["id_token"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [accounts.signer.algorithm],
            }
        )

    async def keys(request: web.BaseRequest) -> web.StreamResponse:
        response = responses.answer({"keys": [accounts.signer.jwk()]})
        response.content_type = "application/jwk-set+json"
        return response

    found: dict[str, Page] = {
        "/version": version,
        "/.well-known/openid-configuration": issuer,
        "/openid/v1/jwks": keys,
    }
    for route in health.routes():
        found[route.path] = route.handler  # type: ignore[assignment]  # they read only path and query

    async def root(request: web.BaseRequest) -> web.StreamResponse:
        return responses.answer({"paths": sorted(["/api", "/apis", "/openapi/v2", "/openapi/v3", *found])})

    return {**found, "/": root}
