"""healthCheckNodePort: a small HTTP server per Service tells load balancers whether this node has endpoints for it.

Source: kubernetes pkg/proxy/healthcheck/service_health.go.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping

from aiohttp import web

from wherry.proxy.plan import HealthCheck
from wherry.proxy.service import ServiceKey

log = logging.getLogger(__name__)


class HealthChecks:
    """The servers of all Services that ask for one. `proxy_healthy` is asked at each request.

    A port that is taken is logged by name, and tried again with that Service's next change.
    """

    def __init__(self, proxy_healthy: Callable[[], bool]):
        self._proxy_healthy = proxy_healthy
        self._checks: dict[ServiceKey, HealthCheck] = {}
        self._servers: dict[ServiceKey, tuple[int, web.AppRunner]] = {}

    async def update(self, checks: Mapping[ServiceKey, HealthCheck | None]) -> None:
        """Bring the servers of these Services up to date; None: there is none to be."""
        for key, check in checks.items():
            port = check.port if check else None
            if key in self._servers and self._servers[key][0] != port:
                await self._servers.pop(key)[1].cleanup()
            if check is None:
                self._checks.pop(key, None)
                continue
            self._checks[key] = check
            if key not in self._servers:
                await self._serve(key, check.port)

    async def replace(self, checks: Mapping[ServiceKey, HealthCheck]) -> None:
        """Serve exactly these."""
        await self.update({key: checks.get(key) for key in {*self._checks, *checks}})

    async def stop(self) -> None:
        """Stop every server."""
        while self._servers:
            await self._servers.popitem()[1][1].cleanup()

    async def _serve(self, key: ServiceKey, port: int) -> None:
        async def answer(_: web.Request) -> web.Response:
            return self._answer(key)

        app = web.Application()
        app.router.add_get("/{tail:.*}", answer)
        runner = web.AppRunner(app, access_log=None, handle_signals=False)
        await runner.setup()
        try:
            await web.TCPSite(runner, None, port).start()
        except OSError as error:
            log.warning("health check of %s/%s cannot listen on port %d: %s", *key, port, error)
            await runner.cleanup()
        else:
            self._servers[key] = port, runner

    def _answer(self, key: ServiceKey) -> web.Response:
        count, healthy = self._checks[key].local_endpoints, self._proxy_healthy()
        body = {
            "service": {"namespace": key[0], "name": key[1]},
            "localEndpoints": count,
            "serviceProxyHealthy": healthy,
        }
        headers = {"X-Content-Type-Options": "nosniff", "X-Load-Balancing-Endpoint-Weight": str(count)}
        return web.json_response(body, status=200 if count and healthy else 503, headers=headers)
