"""The model meets nginx: push what Lua can take, reload for the rest, nothing when nothing differs.

The order keeps every moment right: new endpoints and certificates are pushed before the configuration that uses them,
old ones are removed after it. A nginx that starts listens only once it knows everything.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from wherry.ingress import metrics
from wherry.ingress.nginx import secrets
from wherry.ingress.nginx.control import STORES, Store, StoreFull
from wherry.ingress.nginx.errors import ConfigRefused
from wherry.ingress.nginx.process import Nginx
from wherry.ingress.nginx.template import render
from wherry.ingress.route.backend import Backend
from wherry.ingress.route.certificate import Certificate
from wherry.ingress.route.model import Model, Structure
from wherry.objects.family import bracketed

log = logging.getLogger(__name__)

Entries = Mapping[str, Any]

DEFAULT_HOST = "_"
FULL_SECONDS = 10.0
"""After which what found no place in shared memory is pushed again."""


class Applier:
    """Brings one nginx to the model. `reload_seconds` is the least time between reloads; `clock` gives seconds."""

    def __init__(self, nginx: Nginx, reload_seconds: float, clock: Callable[[], float] = time.monotonic):
        self._nginx = nginx
        self._reload_seconds = reload_seconds
        self._clock = clock
        self._pushed: dict[Store, Entries] = {}
        self._structure: Structure | None = None
        self._without_place: dict[Store, frozenset[str]] = {}
        self._conf = ""
        self._refused: Structure | None = None
        self._reloaded = float("-inf")

    @property
    def serving(self) -> bool:
        """Whether nginx runs with a configuration of ours."""
        return self._nginx.pid is not None and self._structure is not None

    def has(self, structure: Structure) -> bool:
        """Whether `structure` is in force."""
        return self._nginx.pid is not None and structure == self._structure

    async def apply(self, model: Model, backends: Iterable[Backend], default: Certificate) -> float:
        """Bring nginx to the model; return in how many seconds to come again (0: done).

        Raises `ControlError` or `NginxError`; what was applied stays known, so the next call goes on from there. A
        structure that was refused (`ConfigRefused`) is not tried again.
        """
        wanted: dict[Store, Entries] = {
            "backends": backend_entries(backends),
            "certificates": certificate_entries(model.certificates, default),
            "routes": model.routes,
        }
        if self._nginx.pid is None:
            await self._start()
        for store, entries in wanted.items():
            await self._push_what_fits(store, entries)
        wait = await self._restructure(model.structure)
        if not wait:
            for store, entries in wanted.items():
                await self._drop(store, entries)
        return wait or (FULL_SECONDS if any(self._without_place.values()) else 0)

    async def _start(self) -> None:
        """Go on with the nginx of a predecessor, or start one that knows nothing and listens to nobody but us."""
        self._pushed.clear()
        self._structure, self._conf, self._refused = None, "", None
        conf = await self._nginx.adopt()
        if conf is not None:
            self._conf = conf
            self._pushed = {store: await self._nginx.control.known(store) for store in STORES}
            log.info("nginx adopted pid=%s directory=%s", self._nginx.pid, self._nginx.runtime.directory)
            return
        await self._nginx.start(render(None, self._nginx.runtime))
        log.info("nginx started pid=%s directory=%s", self._nginx.pid, self._nginx.runtime.directory)

    async def _push_what_fits(self, store: Store, entries: Entries) -> None:
        """Push; where shared memory is full, what found no place is known not to be there, and told of."""
        try:
            await self._push(store, entries)
            without: frozenset[str] = frozenset()
        except StoreFull as full:
            without = full.keys
            log.error("store=%s: %s; the rest is served, they are tried again in %.0f s", store, full, FULL_SECONDS)
            known = {**self._pushed.get(store, {}), **entries}
            self._pushed[store] = {key: value for key, value in known.items() if key not in without}
        self._without_place[store] = without
        metrics.without_place.labels(store).set(len(without))

    async def _push(self, store: Store, entries: Entries) -> None:
        known = self._pushed.get(store)
        if known is None:
            await self._nginx.control.replace(store, entries)
            self._pushed[store] = entries
            return
        changed = {key: value for key, value in entries.items() if known.get(key) != value}
        if changed:
            # Not known any more until it is said that they are there: they may be, though the answer was lost.
            self._pushed[store] = {**known, **dict.fromkeys(changed)}
            await self._nginx.control.change(store, changed)
            self._pushed[store] = {**known, **changed}
            log.info("pushed store=%s changed=%d", store, len(changed))

    async def _drop(self, store: Store, entries: Entries) -> None:
        gone = [key for key in self._pushed[store] if key not in entries]
        if gone:
            await self._nginx.control.change(store, dict.fromkeys(gone))
            self._pushed[store] = {key: value for key, value in self._pushed[store].items() if key in entries}
            log.info("pushed store=%s removed=%d", store, len(gone))

    async def _restructure(self, structure: Structure) -> float:
        if structure in (self._structure, self._refused):
            return 0
        try:
            conf = render(structure, self._nginx.runtime)
        except ConfigRefused:
            self._refuse(structure)
            raise
        if conf == self._conf:
            self._structure = structure
            return 0
        wait = self._reloaded + self._reload_seconds - self._clock()
        if wait > 0:
            return wait
        await self._reload(structure, conf)
        return 0

    def forget_refusal(self) -> None:
        """Let the structure refused last be tried again: nginx was at fault, not the structure."""
        self._refused = None

    def _refuse(self, structure: Structure) -> None:
        """Take note of a structure that nginx does not take: asking again would get the same answer."""
        self._refused = structure
        metrics.refusals.inc()
        metrics.last_reload_successful.set(0)

    async def _reload(self, structure: Structure, conf: str) -> None:
        started = self._clock()
        try:
            secrets.provide(self._nginx.runtime, structure)
            await self._nginx.reload(conf)
        except ConfigRefused as error:
            log.error("nginx refuses the new configuration, the old one stays in force: %s", error)
            self._refuse(structure)
            raise
        secrets.sweep(self._nginx.runtime, structure)
        self._structure, self._conf, self._refused = structure, conf, None
        self._reloaded = self._clock()
        metrics.reloads.inc()
        metrics.last_reload_time.set_to_current_time()
        metrics.last_reload_successful.set(1)
        log.info("nginx reloaded servers=%d took=%.3f", len(structure.servers), self._reloaded - started)


def backend_entries(backends: Iterable[Backend]) -> dict[str, list[tuple[str, int]]]:
    """Return what Lua is told of endpoints: by backend key, the address (IPv6 in brackets) and port of each."""
    return {b.ref.key: [(bracketed(e.address), e.port) for e in b.endpoints] for b in backends}


def certificate_entries(certificates: Mapping[str, Certificate], default: Certificate) -> dict[str, Any]:
    """Return what Lua is told of certificates: each once by its id, and the id for each host."""
    by_host = {DEFAULT_HOST: default, **certificates}
    chains = {f"certificate/{c.id}": {"chain": c.chain, "key": c.key} for c in by_host.values()}
    return {**chains, **{f"host/{host}": c.id for host, c in by_host.items()}}
