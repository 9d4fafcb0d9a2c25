"""A connection to the first endpoint that takes it: the next is tried when one refuses or stays silent."""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable, Iterator

from wherry.objects.family import family_of
from wherry.proxy.endpoint import Endpoint

PATIENCE_SECONDS = (1.0, 2.0, 4.0)
"""How long the first endpoints may stay silent, and all further ones as the last: TCP asks again after a second."""
MOST_TRIES = 8


class Dial:
    """Tries endpoints one after another, and says once which took the connection, or that none did."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        offers: Iterator[Endpoint],
        done: Callable[[socket.socket | None, Endpoint | None], None],
    ):
        self._loop = loop
        self._offers = offers
        self._done = done
        self._tries = 0
        self._socket: socket.socket | None = None
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Try the next endpoint. Calls `done` at once where that is decided at once."""
        while self._tries < MOST_TRIES and (endpoint := next(self._offers, None)) is not None:
            self._tries += 1
            made = socket.socket(family_of(endpoint.address).number, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            code = made.connect_ex((endpoint.address, endpoint.port))
            if code == 0:
                self._done(made, endpoint)
                return
            if code == errno.EINPROGRESS:
                self._socket = made
                self._loop.add_writer(made.fileno(), self._decided, endpoint)
                self._timer = self._loop.call_later(self._patience, self._silent)
                return
            made.close()
        self._done(None, None)

    def cancel(self) -> None:
        """Try no more, and say nothing."""
        if self._socket is not None:
            self._let_go().close()

    @property
    def _patience(self) -> float:
        return PATIENCE_SECONDS[min(self._tries, len(PATIENCE_SECONDS)) - 1]

    def _decided(self, endpoint: Endpoint) -> None:
        made = self._let_go()
        if made.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            made.close()
            self.start()
        else:
            self._done(made, endpoint)

    def _silent(self) -> None:
        self._let_go().close()
        self.start()

    def _let_go(self) -> socket.socket:
        made, self._socket = self._socket, None
        assert made is not None
        assert self._timer is not None
        self._timer.cancel()
        self._loop.remove_writer(made.fileno())
        return made
