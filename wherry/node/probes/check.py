"""One try of a probe or a lifecycle hook: HTTP, TCP, gRPC, or a command in the container.

The messages are those a Go program would give, since that is what people know from `kubectl describe`.
Source: kubernetes pkg/probe/{http,tcp,grpc,exec}.
"""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import aiohttp

from wherry.node.probes import grpc
from wherry.node.runtime.containers import ExecTimeoutError
from wherry.objects import Object, version
from wherry.objects.family import bracketed

BODY_LIMIT = 10 << 10
USER_AGENT = f"kube-probe/{version.MAJOR}.{version.MINOR}"

Execute = Callable[[Sequence[str], float], Awaitable[tuple[int, str]]]
"""Runs a command in the container within seconds; returns (exit code, output)."""


@dataclass(frozen=True, slots=True)
class ProbeTarget:
    """What is probed: a container at the pod's address. `session` must not verify certificates.

    `connecting` is told before each connection to that address.
    """

    container: Object
    ip: str
    session: aiohttp.ClientSession
    execute: Execute
    connecting: Callable[[], object]


class CheckError(Exception):
    """The try failed; the message follows "probe failed: " in the event."""


async def check(action: Object, target: ProbeTarget, timeout: float) -> None:
    """Try once; raises CheckError."""
    if "httpGet" in action:
        await _http(action["httpGet"], target, timeout)
    elif "tcpSocket" in action:
        await _tcp(action["tcpSocket"], target, timeout)
    elif "exec" in action:
        await _exec(action["exec"], target, timeout)
    elif "grpc" in action:
        await _grpc(action["grpc"], target, timeout)
    else:
        raise CheckError(f"unknown kind of probe: {', '.join(action)}")


def port(value: int | str, container: Object) -> int:
    """Return a port by number, or by the name of one of the container's ports; raises CheckError."""
    if isinstance(value, int):
        return value
    for entry in container.get("ports") or ():
        if entry.get("name") == value:
            return int(entry["containerPort"])
    if value.isdigit():
        return int(value)
    raise CheckError(f"couldn't find port: {value}")


def host(action: Object, target: ProbeTarget) -> str:
    """Return the host to connect to."""
    return str(action.get("host") or target.ip)


def url(action: Object, target: ProbeTarget) -> str:
    """Return the URL of an httpGet action."""
    scheme = str(action.get("scheme") or "HTTP").lower()
    path = str(action.get("path") or "/")
    path = path if path.startswith("/") else f"/{path}"
    return f"{scheme}://{bracketed(host(action, target))}:{port(action['port'], target.container)}{path}"


def _connecting(to: str, target: ProbeTarget) -> None:
    if to == target.ip:
        target.connecting()


async def _http(action: Object, target: ProbeTarget, timeout: float) -> None:
    address = url(action, target)
    headers = {"User-Agent": USER_AGENT, "Accept": "*/*"}
    for entry in action.get("httpHeaders") or ():
        headers[entry["name"]] = entry["value"]
    _connecting(host(action, target), target)
    try:
        async with (
            asyncio.timeout(timeout),
            target.session.get(address, headers=headers, allow_redirects=False) as response,
        ):
            await response.content.read(BODY_LIMIT)
            status = response.status
    except TimeoutError:
        problem = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        raise CheckError(f'Get "{address}": {problem}') from None
    except aiohttp.ClientConnectorError as error:
        raise CheckError(
            f'Get "{address}": dial tcp {bracketed(error.host)}:{error.port}: {_dial(error.os_error)}'
        ) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise CheckError(f'Get "{address}": {error or "EOF"}') from None
    if not 200 <= status < 400:
        raise CheckError(f"HTTP probe failed with statuscode: {status}")


async def _tcp(action: Object, target: ProbeTarget, timeout: float) -> None:
    to, number = host(action, target), port(action["port"], target.container)
    _connecting(to, target)
    try:
        async with asyncio.timeout(timeout):
            _, writer = await asyncio.open_connection(to, number)
    except TimeoutError:
        raise CheckError(f"dial tcp {bracketed(to)}:{number}: i/o timeout") from None
    except (OSError, ValueError) as error:  # ValueError: a host name that cannot be one
        raise CheckError(f"dial tcp {bracketed(to)}:{number}: {_dial(error)}") from None
    writer.close()


async def _grpc(action: Object, target: ProbeTarget, timeout: float) -> None:
    target.connecting()
    to, number = target.ip, int(action["port"])
    try:
        async with asyncio.timeout(timeout):
            await grpc.check(to, number, action.get("service") or "", USER_AGENT)
    except TimeoutError:
        raise CheckError(f"timeout: health rpc did not complete within {timeout:g}s") from None
    except grpc.GrpcError as error:
        raise CheckError(str(error)) from None
    except OSError as error:
        dialing = f"transport: Error while dialing: dial tcp {bracketed(to)}:{number}: {_dial(error)}"
        why = f'connection error: desc = "{dialing}"'
        raise CheckError(f"error: health rpc failed: rpc error: code = Unavailable desc = {why}") from None


def _dial(error: OSError | ValueError) -> str:
    if not isinstance(error, OSError) or error.errno is None:
        return str(error)
    text = {errno.ECONNREFUSED: "connection refused", errno.EHOSTUNREACH: "no route to host"}.get(error.errno)
    return f"connect: {text or os.strerror(error.errno).lower()}"


async def _exec(action: Object, target: ProbeTarget, timeout: float) -> None:
    try:
        code, output = await target.execute(action["command"], timeout)
    except ExecTimeoutError as error:
        raise CheckError(f"{error} after {timeout:g}s") from None
    except OSError as error:
        raise CheckError(f"cannot run the command: {error}") from error
    if code != 0:
        raise CheckError(output)
