"""Is this proxy well, and may load balancers send this node traffic: `/healthz` and `/livez`.

As upstream (kubernetes pkg/proxy/healthcheck/proxy_health.go, KEP-3836): `/livez` fails when changes have waited too
long; `/healthz` fails then too, before the first rules are in place, and when the node is about to go.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable

from aiohttp import web

from wherry.component.health import Health
from wherry.objects import Object
from wherry.objects.timestamps import rfc3339
from wherry.proxy import metrics

LONGEST_WAIT_SECONDS = 60.0
GOING_TAINT = "ToBeDeletedByClusterAutoscaler"


class NodeHealth(Health):
    """The health of one proxy, which works by `mode`. `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float] = time.time, mode: str = "nftables"):
        super().__init__()
        self._clock = clock
        self._mode = mode
        self._problem = ""
        self._queued_since: float | None = None
        self._synced = 0.0
        self._eligible = True

    def queued(self) -> None:
        """A change waits, perhaps among others."""
        if self._queued_since is None:
            self._queued_since = self._clock()

    def synced(self) -> None:
        """Everything that waited is in place."""
        self._queued_since = None
        self._synced = self._clock()
        self._problem = ""

    def failed(self, problem: str) -> None:
        """The kernel could not be brought to the plan."""
        self._problem = problem

    def node(self, node: Object | None) -> None:
        """Take note of the Node object: one being deleted, or marked for it, should get no new traffic."""
        taints = ((node or {}).get("spec") or {}).get("taints") or ()
        deleting = bool(node and node["metadata"].get("deletionTimestamp"))
        self._eligible = not deleting and all(t.get("key") != GOING_TAINT for t in taints)

    @property
    def alive(self) -> bool:
        """Whether changes get through in time."""
        return self._queued_since is None or self._clock() - self._queued_since < LONGEST_WAIT_SECONDS

    @property
    def healthy(self) -> bool:
        """Whether this node should get traffic for Services."""
        return self.alive and bool(self._synced) and self._eligible

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the health server."""
        return [web.get("/healthz", self._healthz), web.get("/livez", self._livez), self.mode_route()]

    def mode_route(self) -> web.RouteDef:
        """Return `/proxyMode`: the mode, and 503 with the reason while its rules are not in place."""
        return web.get("/proxyMode", self._proxy_mode)

    async def _proxy_mode(self, _: web.Request) -> web.Response:
        if self._synced and not self._problem:
            return web.Response(text=self._mode)
        return web.Response(status=503, text=f"{self._mode}: {self._problem or 'its rules are not in place yet'}")

    async def _healthz(self, _: web.Request) -> web.Response:
        status = 200 if self.healthy else 503
        metrics.healthz.labels(str(status)).inc()
        return self._answer(status, {"nodeEligible": self._eligible})

    async def _livez(self, _: web.Request) -> web.Response:
        status = 200 if self.alive else 503
        metrics.livez.labels(str(status)).inc()
        return self._answer(status, {})

    def _answer(self, status: int, more: dict[str, object]) -> web.Response:
        body = {"lastUpdated": rfc3339(self._synced), "currentTime": rfc3339(self._clock()), **more}
        return web.json_response(body, status=status, headers={"X-Content-Type-Options": "nosniff"})


class NodeMetrics(Health):
    """What is answered beside the metrics: `/proxyMode`, as upstream (cmd/kube-proxy/app/server.go serveMetrics).

    `look` is awaited before metrics are shown.
    """

    def __init__(self, health: NodeHealth, look: Callable[[], Awaitable[None]]):
        super().__init__()
        self._health = health
        self._look = look

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the metrics server."""
        return [*super().routes(), self._health.mode_route()]

    async def answer_metrics(self, request: web.Request) -> web.Response:
        """Look first at what is counted elsewhere."""
        await self._look()
        return await super().answer_metrics(request)
