"""Listening sockets that outlive the process that made them."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Callable

import pytest

from wherry.cluster.hostforward.parking import Parking
from wherry.cluster.hostforward.plan import Listener
from wherry.net.listening import datagrams, listen

HOST = "127.0.77.1"  # not where the machine's other tests are given ports
WEB, OTHER = ("demo", "web"), ("demo", "other")


def place(sock: socket.socket) -> Listener:
    protocol = "TCP" if sock.type == socket.SOCK_STREAM else "UDP"
    return Listener(protocol, *sock.getsockname())


def killed(work: Callable[[], None]) -> None:
    """Do `work` in a process that is killed as soon as it has."""
    pid = os.fork()
    if pid == 0:
        try:
            work()
            os.kill(os.getpid(), signal.SIGKILL)
        finally:
            os._exit(1)
    assert os.WTERMSIG(os.waitpid(pid, 0)[1]) == signal.SIGKILL


def listener() -> Listener:
    with listen(HOST, 0) as free:
        return place(free)


def test_connections_wait_for_the_next_process() -> None:
    parking, at = Parking(), listener()
    killed(lambda: parking.park(WEB, at, listen(at.address, at.port)))
    clients = [socket.create_connection((at.address, at.port), 5) for _ in range(200)]
    owners, sockets = parking.parked()
    assert owners == {at: WEB}
    for client in clients:
        accepted, peer = sockets[at].accept()
        assert peer == client.getsockname()
        accepted.close()
        client.close()


def test_datagrams_wait_for_the_next_process() -> None:
    parking = Parking()
    with datagrams(HOST, 0) as made:
        at = place(made)
        parking.park(WEB, at, made)
    with socket.socket(type=socket.SOCK_DGRAM) as client:
        client.sendto(b"hello", (at.address, at.port))
    assert parking.parked()[1][at].recv(10) == b"hello"


def test_what_is_dropped_is_refused_and_the_others_stay() -> None:
    parking, every = Parking(), [listen(HOST, 0) for _ in range(5)]
    for sock in every:
        parking.park(WEB, place(sock), sock)
    gone = place(every[2])
    for sock in every:
        sock.close()
    parking.drop(gone)
    parking.drop(listener())  # one that is not there
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection((gone.address, gone.port), 5)
    left = set(parking.parked()[0])
    assert len(left) == 4
    assert gone not in left
    for at in left:
        socket.create_connection((at.address, at.port), 5).close()


def test_one_killed_while_it_drops_one_takes_no_other_along(monkeypatch: pytest.MonkeyPatch) -> None:
    parking, every = Parking(pairs=1), [listen(HOST, 0) for _ in range(4)]
    [queue] = parking._queues
    for sock in every:
        parking.park(WEB, place(sock), sock)
    places = {place(sock) for sock in every}

    for steps in range(1, 4):

        def half(steps: int = steps) -> None:
            left, send = [steps], queue.park

            def park(*message: object) -> None:
                send(*message)  # type: ignore[arg-type]
                left[0] -= 1
                if not left[0]:
                    os.kill(os.getpid(), signal.SIGKILL)

            monkeypatch.setattr(queue, "park", park)
            parking.drop(listener())

        killed(half)
        assert set(parking.parked()[0]) == places


def test_every_node_port_there_can_be_has_room(caplog: pytest.LogCaptureFixture) -> None:
    """And once more each, as a drop that is cut short may leave one."""
    parking, ports = Parking(), 2 * 2 * 2768
    with listen(HOST, 0) as sock:
        for port in range(ports):
            parking.park(WEB, Listener("TCP", HOST, port), sock)
    assert not caplog.records
    lengths = [sum(1 for _ in queue.walk()) for queue in parking._queues]
    assert sum(lengths) == ports
    assert max(lengths) < 2 * ports / len(lengths), "one is much longer than others"
