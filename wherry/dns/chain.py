"""The plugins of a server block, in one fixed order whatever the Corefile's (CoreDNS plugin.cfg)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from wherry.client.interface import Client
from wherry.component.troubles import Troubles
from wherry.dns.corefile import ServerBlock
from wherry.dns.errors import CorefileError
from wherry.dns.query import Answer, Handler, Plugin, Query, refuse

if TYPE_CHECKING:
    from wherry.dns.metrics import Metrics

ORDER = (
    "reload",
    "ready",
    "health",
    "prometheus",
    "errors",
    "log",
    "loadbalance",
    "cache",
    "kubernetes",
    "loop",
    "forward",
)
# fmt: off
LATER = frozenset({
    "acl", "any", "auto", "autopath", "azure", "bind", "bufsize", "cancel", "chaos", "clouddns", "debug",
    "dns64", "dnssec", "dnstap", "erratic", "etcd", "file", "geoip", "grpc", "header", "hosts", "k8s_external",
    "local", "metadata", "minimal", "multisocket", "nomad", "nsid", "pprof", "quic", "rewrite", "root",
    "route53", "secondary", "sign", "template", "timeouts", "tls", "trace", "transfer", "tsig", "view",
    "whoami",
})
# fmt: on


@dataclass
class Environment:
    """What the plugins of one server block are given besides their directive.

    `client` makes a connection to the API; `resolve` asks the server this block is on, as a client of it would;
    `changed` throws the lasting answers away; `reload` asks for `corefile` (a path) to be read again; `fail` ends the
    server and says why; `waiting` names what keeps us from being ready; `troubles` hears of what fails unexpectedly.
    """

    client: Callable[[], Client]
    resolve: Callable[[Query], Awaitable[Answer]]
    changed: Callable[[], None]
    reload: Callable[[], None]
    fail: Callable[[str], None]
    metrics: Metrics
    corefile: str
    waiting: Callable[[], Sequence[str]]
    troubles: Troubles


@dataclass(frozen=True, slots=True)
class Chain:
    """A server block ready to serve: `handle` runs a query through `plugins`.

    `keeps`: a lasting answer may be given again without asking them.
    """

    block: ServerBlock
    plugins: Mapping[str, Plugin]
    handle: Handler
    keeps: bool


def check(block: ServerBlock) -> None:
    """Refuse by name what we do not have; raises CorefileError."""
    seen: set[str] = set()
    for directive in block.directives:
        if directive.name in LATER:
            raise directive.error("this plugin is not supported yet")
        if directive.name not in ORDER:
            raise directive.error(f"there is no such plugin; known are {', '.join(sorted(ORDER))}")
        if directive.name in seen and not getattr(_module(directive.name), "MANY", False):
            raise directive.error("is given twice in one server block")
        seen.add(directive.name)


def build(block: ServerBlock, environment: Environment) -> Chain:
    """Return the chain of one server block; raises CorefileError."""
    check(block)
    plugins: dict[str, Plugin] = {}
    for directive in sorted(block.directives, key=lambda d: ORDER.index(d.name)):
        setup = _module(directive.name).setup
        name = f"{directive.name} {' '.join(directive.args)}".strip() if directive.name in plugins else directive.name
        plugins[name] = setup(directive, block, environment)
    handle: Handler = refuse
    for plugin in reversed(plugins.values()):
        handle = partial(_step, plugin, handle)
    keeps = not any(plugin.sees_every_query for plugin in plugins.values())
    return Chain(block, plugins, handle, keeps)


def _module(name: str) -> Any:
    """Return a plugin's module: its `setup`, and `MANY` where a server block may have several of it."""
    return import_module(f"wherry.dns.plugins.{name}")


async def _step(plugin: Plugin, next: Handler, query: Query) -> Answer:
    return await plugin.serve(query, next)


def ports(blocks: list[ServerBlock]) -> dict[int, list[ServerBlock]]:
    """Return the server blocks by port; raises CorefileError when two answer for one zone on one port."""
    found: dict[int, list[ServerBlock]] = {}
    seen: set[tuple[str, int]] = set()
    for block in blocks:
        for zone, port in block.zones:
            if (zone, port) in seen:
                raise CorefileError(f"Corefile line {block.line}: {zone}:{port} has a server block already")
            seen.add((zone, port))
            at = found.setdefault(port, [])
            if block not in at:
                at.append(block)
    return found
