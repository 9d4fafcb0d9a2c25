"""The controller: what changes in the cluster becomes what nginx does."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from dataclasses import replace
from functools import partial

from wherry.client.interface import Client
from wherry.component.component import Component
from wherry.component.health import HealthServer
from wherry.ingress import localhealth, metrics, webhook
from wherry.ingress.applier import Applier
from wherry.ingress.cluster import Cluster
from wherry.ingress.fallback import fallback
from wherry.ingress.fronts.ingress.review import review
from wherry.ingress.names import Names
from wherry.ingress.nginx import files
from wherry.ingress.nginx.control import ControlError
from wherry.ingress.nginx.errors import ConfigRefused, NginxError
from wherry.ingress.nginx.process import Nginx
from wherry.ingress.options import Options
from wherry.ingress.quarantine import Quarantine
from wherry.ingress.report import Reporter, backend_problems
from wherry.ingress.route import problem
from wherry.ingress.route.backend import Backend, BackendRef, Look, resolve
from wherry.ingress.route.certificate import BadCertificate, Certificate, read_certificate
from wherry.ingress.route.model import Model
from wherry.ingress.status import StatusWriter
from wherry.objects import Object

log = logging.getLogger(__name__)

COALESCE_SECONDS = 0.01
"""Changes that arrive together are applied together."""
RETRY_SECONDS = 1.0
BUG_SECONDS = 2.0
"""After which objects that a bug of ours left out are looked at again: it may have been the moment's."""
LOOK_SECONDS = 0.2
"""How often one that is to end looks for another replica; what it followed is followed no more."""
HANDOVER_SECONDS = 1.0
"""How long to go on beside another one, so that those who send requests have heard of it."""
WITHDRAW_SECONDS = 2.0
"""How long the end may wait for the API server."""


class Controller:
    """One Ingress controller. `run` until cancelled, then `stop`."""

    def __init__(self, client: Client, options: Options, nginx: Nginx):
        self._options = options
        self._nginx = nginx
        self._applier = Applier(nginx, options.reload_seconds)
        self._component = Component("ingress", client, health=metrics.IngressHealth(nginx.control))
        self._reporter = Reporter(self._component.recorder("nginx-ingress-controller"))
        self._fallback = fallback(nginx.runtime.certificate)
        self._default = self._fallback
        self._model = Model()
        self._backends: dict[BackendRef, Backend] = {}
        self._names = Names(lambda services: None)
        self._quarantine: Quarantine | None = None
        self._status: StatusWriter | None = None
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.webhook_port = 0
        self.health = HealthServer(options.health_host, options.health_port, health=self._component.health)

    async def run(self) -> None:
        """Serve until cancelled; raises `NginxError` when nginx cannot run here at all (in an exception group)."""
        files.prepare(self._nginx.runtime, self._fallback.chain + self._fallback.key)
        component = self._component
        component.health.live("nginx", lambda: None if self._applier.serving else "nginx is not serving yet")
        local = localhealth.on_file(self._nginx.runtime.health, component.health)
        async with local, localhealth.shared(self.health, self._options.share_node), asyncio.TaskGroup() as group:
            cluster = await Cluster.open(component, self._options)
            self._names = Names(cluster.mark_services)
            group.create_task(self._admit(cluster))
            self._quarantine = Quarantine(self._nginx, self._options.choices(), partial(self._look_again, cluster))
            if self._options.update_status:
                self._status = StatusWriter(component, self._options, cluster, lambda: self._model.ours)
            self._nginx.on_end = partial(self._nginx_ended, cluster)
            component.task("nginx", partial(self._follow, cluster))
            group.create_task(component.run())
            await self._begun

    async def _admit(self, cluster: Cluster) -> None:
        """Answer the API server's questions about Ingresses, once we know the others."""
        await self._component.synced()
        choices = self._options.choices()
        reviewed = webhook.serving(self._options.webhook, lambda obj: review(obj, cluster.snapshot(), choices))
        async with reviewed as self.webhook_port:
            await asyncio.Event().wait()

    async def stop(self) -> None:
        """Serve until another replica does, or the grace period is over; then drain nginx and end it.

        The last one takes our address out of the status before.
        """
        self._names.keep(())
        if self._quarantine is not None:
            await self._quarantine.stop()
        if not await self._replaced() and self._status is not None and self._options.update_status_on_shutdown:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(WITHDRAW_SECONDS):
                    await self._status.withdraw()
        await self._nginx.stop(self._options.drain_seconds)

    async def _replaced(self) -> bool:
        """Wait while there is an nginx to serve, and return whether another replica is there to do it."""
        end = time.monotonic() + self._options.grace_seconds
        while self._nginx.pid is not None and time.monotonic() < end:
            if self._status is not None and await self._status.has_other():
                await asyncio.sleep(HANDOVER_SECONDS)
                return True
            await asyncio.sleep(LOOK_SECONDS)
        return False

    async def _follow(self, cluster: Cluster) -> None:
        """Keep nginx as the cluster says, all of it looked at anew after a crash of ours."""
        await self._component.synced()
        cluster.mark_all()
        while True:
            await cluster.changed.wait()
            await asyncio.sleep(COALESCE_SECONDS)
            try:
                wait = await self._sync(cluster)
            except (ControlError, NginxError) as error:
                log.error("nginx does not follow, again in %.0f s: %s", RETRY_SECONDS, error)
                self._tell_begun(error)
                wait = RETRY_SECONDS
            else:
                self._tell_begun(None)
            if wait:
                asyncio.get_running_loop().call_later(wait, cluster.changed.set)

    def _tell_begun(self, error: Exception | None) -> None:
        """Let the first attempt decide: whoever started us is to hear why nginx cannot run here."""
        if self._begun.done():
            return
        if error:
            self._begun.set_exception(error)
        else:
            self._begun.set_result(None)

    def _nginx_ended(self, cluster: Cluster) -> None:
        log.error("nginx ended, starting it again")
        cluster.changed.set()

    async def _sync(self, cluster: Cluster) -> float:
        """Bring nginx to the cluster's state; return in how many seconds to come again (0: done)."""
        started = time.monotonic()
        rules, services = cluster.take()
        if rules:
            self._rebuild(cluster)
        for ref in self._model.backends:
            service = (ref.namespace, ref.service)
            if ref not in self._backends or service in services:
                found = cluster.services.get(*service), cluster.sources(service)
                look = partial(self._names.look, service=service)
                self._backends[ref] = resolved(ref, *found, look, self._backends.get(ref))
        backends = list(self._backends.values())
        self._names.keep(backend.host for backend in backends)
        problems = [*self._model.problems, *backend_problems(self._model, backends)]
        self._reporter.report(problems)
        if any(found.reason == problem.INTERNAL for found in problems):
            asyncio.get_running_loop().call_later(BUG_SECONDS, cluster.mark_all)
        wait = await self._apply(backends)
        if self._applier.has(self._model.structure):
            cluster.gateways.tell(self._model.statuses)
        metrics.syncs.observe(time.monotonic() - started)
        return wait

    async def _apply(self, backends: Iterable[Backend]) -> float:
        assert self._quarantine is not None
        try:
            wait = await self._applier.apply(self._model, backends, self._default)
        except ConfigRefused:  # logged; endpoints and certificates were pushed, the structure before stays in force
            self._quarantine.refused()
            return 0
        if self._applier.has(self._model.structure):
            self._quarantine.accepted(self._model.structure)
        return wait

    def _look_again(self, cluster: Cluster) -> None:
        """Make the model anew: other parts of it are left out than before, or nginx has had a pause."""
        self._applier.forget_refusal()
        cluster.mark_rules()

    def _rebuild(self, cluster: Cluster) -> None:
        assert self._quarantine is not None
        before, self._model = self._model, self._quarantine.model(cluster.snapshot())
        self._backends = {ref: b for ref, b in self._backends.items() if ref in self._model.backends}
        self._default = self._default_certificate(cluster)
        metrics.show_certificates({host: c.expires for host, c in self._model.certificates.items()})
        if self._status and self._model.ours != before.ours:
            self._status.refresh()

    def _default_certificate(self, cluster: Cluster) -> Certificate:
        key = self._options.default_certificate
        if key is None:
            return self._fallback
        secret = cluster.default_certificate()
        try:
            return read_certificate(secret or {})
        except BadCertificate as error:
            why = str(error) if secret else "it does not exist"
            log.warning("--default-ssl-certificate %s/%s cannot be used: %s", *key, why)
            return self._fallback


def resolved(
    ref: BackendRef, service: Object | None, sources: Iterable[Object], look: Look, before: Backend | None
) -> Backend:
    """Return the backend `ref` stands for; where a bug of ours keeps us from that, as it was."""
    try:
        return resolve(ref, service, sources, look)
    except Exception as error:  # one Service is not to hold up the others
        log.exception("%s cannot be read", ref.key)
        why = f"wherry fails on Service {ref.namespace}/{ref.service}: {error!r}"
        return replace(before or Backend(ref), trouble=(problem.INTERNAL, why))
