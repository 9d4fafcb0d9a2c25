"""Keeps the listeners Services want, a Service at a time; a port somebody else has is tried again until it is free."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Hashable, Iterable
from functools import partial
from socket import SOCK_DGRAM, SOCK_STREAM, SocketKind, socket

from wherry.cluster.config import ClusterConfig
from wherry.cluster.hostforward import plan, taken
from wherry.cluster.hostforward.parking import Parking
from wherry.cluster.hostforward.plan import Forward, Listener
from wherry.cluster.hostforward.taken import Taken
from wherry.cluster.relay.address import Address, Dial
from wherry.cluster.relay.datagram import DatagramRelay
from wherry.cluster.relay.stream import StreamRelay
from wherry.component.component import Component
from wherry.component.workqueue import WorkQueue
from wherry.net.listening import datagrams, listen
from wherry.objects import Object, metadata
from wherry.objects.meaning.endpoints import service_of
from wherry.objects.metadata import Key
from wherry.objects.resource import ENDPOINT_SLICES, SERVICES

log = logging.getLogger(__name__)

AGAIN_SECONDS = 2.0
"""How long until a port that somebody has is tried again."""
PATIENCE_SECONDS = 3.0
"""How long a client waits while a Service that has endpoints refuses: its proxy has yet to hear of it."""


class ServiceListeners:
    """The listeners of all Services; `dialer` makes who makes sockets in the LAN, `parking` has those from before."""

    def __init__(
        self, config: ClusterConfig, component: Component, dialer: Callable[[SocketKind], Dial], parking: Parking
    ):
        self._config = config
        self._dialer = dialer
        self._parking = parking
        self._owners, self._parked = parking.parked()
        self._wanted: dict[Key, Collection[Listener]] = {}
        for listener, key in self._owners.items():
            self._wanted[key] = [*self._wanted.get(key, ()), listener]
        self._forwards: dict[Listener, Forward] = {}
        self._open: dict[Listener, StreamRelay | DatagramRelay] = {}
        self._taken: dict[Listener, Taken] = {}
        self._component = component
        self._recorder = component.recorder("host-forward")
        self._queue: WorkQueue[Key] = component.queue("services")
        self._services = component.follow(SERVICES)
        self._services.subscribe(lambda old, new: self._queue.add(metadata.key(new or old or {})))
        slices = component.follow(ENDPOINT_SLICES)
        self._slices = slices.index("service", _service_of)
        slices.subscribe(self._slice_changed)
        component.task("services", self._follow)

    def _slice_changed(self, old: Object | None, new: Object | None) -> None:
        for piece in (old, new):
            if piece and (key := service_of(piece)):
                self._queue.add(key)

    async def _follow(self) -> None:
        await self._component.synced()
        for key in [*self._wanted, *map(metadata.key, self._services.items())]:
            self._queue.add(key)
        await self._queue.run(self._reconcile)

    async def _reconcile(self, key: Key) -> None:
        service = self._services.get(*key)
        wanted = plan.of_service(service, self._slices.get(key), self._config) if service else {}
        for listener in set(self._wanted.pop(key, ())) - wanted.keys():
            if self._owners.get(listener) == key:  # the next Service may have the port already
                self._close(listener)
        if service is None or not wanted:
            return
        self._wanted[key] = wanted.keys()
        self._forwards |= wanted
        self._owners |= dict.fromkeys(wanted, key)
        for listener in sorted(wanted.keys() - self._open.keys()):
            await self._try(listener, service)
        if any(listener in self._taken for listener in wanted):
            self._queue.add_after(key, AGAIN_SECONDS)

    def _close(self, listener: Listener) -> None:
        del self._owners[listener]
        self._forwards.pop(listener, None)
        holder = self._open.pop(listener, None) or self._parked.pop(listener, None)
        if holder:
            holder.close()
            self._parking.drop(listener)
            log.info("closed protocol=%s address=%s port=%d", *listener)
        if self._taken.pop(listener, None):
            taken.write(self._taken.values())

    async def _try(self, listener: Listener, service: Object) -> None:
        try:
            self._open[listener] = await self._listen(listener)
        except OSError as error:
            self._tell_taken(listener, service, os.strerror(error.errno).lower() if error.errno else str(error))
        else:
            self._tell_open(listener, service)

    def _tell_taken(self, listener: Listener, service: Object, reason: str) -> None:
        if listener in self._taken:
            return
        told = Taken("/".join(metadata.key(service)), *listener, reason)
        self._taken[listener] = told
        taken.write(self._taken.values())
        log.warning("%s", told)
        self._recorder.event(SERVICES, service, "Warning", "PortTaken", str(told))

    def _tell_open(self, listener: Listener, service: Object) -> None:
        log.info("listening protocol=%s address=%s port=%d", *listener)
        was_taken = self._taken.pop(listener, None)
        if was_taken:
            taken.write(self._taken.values())
        if was_taken or listener.address != self._config.bind:
            where = f"{listener.address} port {listener.port}/{listener.protocol}"
            text = f"This machine reaches the Service at {where}"
            self._recorder.event(SERVICES, service, "Normal", "Listening", text)

    async def _listen(self, listener: Listener) -> StreamRelay | DatagramRelay:
        relay, parked = self._relay(listener), self._parked.pop(listener, None)
        await relay.serve(parked or self._bind(listener))
        return relay

    def _relay(self, listener: Listener) -> StreamRelay | DatagramRelay:
        target = partial(self._target, listener)
        if listener.protocol == "TCP":
            return StreamRelay(self._dialer(SOCK_STREAM), target, partial(self._patience, listener))
        return DatagramRelay(self._dialer(SOCK_DGRAM), target)

    def _bind(self, listener: Listener) -> socket:
        make = listen if listener.protocol == "TCP" else datagrams
        made = make(listener.address, listener.port)
        self._parking.park(self._owners[listener], listener, made)
        return made

    def _target(self, listener: Listener) -> Address | None:
        forward = self._forwards.get(listener)
        return forward.target if forward else None

    def _patience(self, listener: Listener) -> float:
        forward = self._forwards.get(listener)
        return PATIENCE_SECONDS if forward and forward.answers else 0.0


def _service_of(piece: Object) -> Iterable[Hashable]:
    key = service_of(piece)
    return [key] if key else []
