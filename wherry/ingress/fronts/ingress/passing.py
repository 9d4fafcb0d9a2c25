"""Which hosts are passed through (`ssl-passthrough`), and to where: the Service's cluster IP, as upstream.

Upstream's rules (`internal/ingress/controller`): the Service of the path / decides, other paths count in plain http
only, and without `--enable-ssl-passthrough` there is none of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from wherry.ingress.features.passthrough import Passthrough
from wherry.ingress.route.backend import find_port
from wherry.ingress.route.location import Location
from wherry.ingress.route.passed import Passed
from wherry.ingress.route.problem import Key
from wherry.ingress.route.server import CATCH_ALL, Server
from wherry.ingress.settings import Settings
from wherry.objects import Object
from wherry.objects.meaning.services import cluster_ips

Report = Callable[[Key, str], None]
"""Called with the Ingress at fault and a sentence."""

_TOLD: Final = "use-forwarded-headers", "enable-real-ip"
"""Settings that take the client's address from a header; behind the passing port it comes by the PROXY protocol."""


def passed(
    servers: Iterable[Server], services: Mapping[Key, Object], settings: Settings, enabled: bool, report: Report
) -> Iterator[Passed]:
    """Yield the hosts that are passed through; `report` gets a sentence for each that cannot be."""
    for server in servers:
        if not any(isinstance(part, Passthrough) for part in server.parts):
            continue
        owners = sorted({at.owner for at in server.locations if at.owner})
        try:
            made = _passed(server, services, settings, enabled)
        except ValueError as error:
            report(owners[0], f"ssl-passthrough of host {server.host} has no effect: {error}")
            continue
        yield made
        others = sorted({at.path for at in server.locations if at.owner and at.path != "/"})
        if others:
            report(owners[0], f"ssl-passthrough of host {server.host}: only http looks at {', '.join(others)}")


def who_tells(settings: Settings) -> str:
    """Return the setting that keeps hosts from being passed through, "" without one."""
    return next((key for key in _TOLD if settings.common[key] and not settings.common["use-proxy-protocol"]), "")


def _passed(server: Server, services: Mapping[Key, Object], settings: Settings, enabled: bool) -> Passed:
    if not enabled:
        raise ValueError("the controller has no --enable-ssl-passthrough")
    if told := who_tells(settings):
        raise ValueError(f"{told} of the ConfigMap takes the client's address from a header, which it cannot be beside")
    if server.host == CATCH_ALL:
        raise ValueError("it needs a host")
    root = next((at for at in server.locations if at.path == "/" and at.owner and at.backend), None)
    if root is None or settings.denied or root.denied:
        raise ValueError("the host has no path / that is served")
    return Passed((server.host, *server.aliases), *_target(root, services))


def _target(root: Location, services: Mapping[Key, Object]) -> tuple[str, int, str]:
    assert root.backend
    ref = root.backend
    service = services.get((ref.namespace, ref.service))
    port = find_port(service, ref.port) if service else None
    addresses = cluster_ips(service) if service else []
    if not addresses or port is None:
        raise ValueError(f"Service {ref.namespace}/{ref.service} has no cluster IP and TCP port {ref.port}")
    return addresses[0], port["port"], ref.key
