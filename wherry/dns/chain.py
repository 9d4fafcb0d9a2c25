"""The plugins of a server block as one handler. It knows none of them by name: `order.py` does."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from wherry.client.interface import Client
from wherry.component.troubles import Troubles
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.errors import CorefileError
from wherry.dns.order import NOT_HERE, ORDER
from wherry.dns.places import Place
from wherry.dns.query import Handler, Plugin, Quiet, refuse

if TYPE_CHECKING:
    from wherry.dns.metrics import Metrics


@dataclass
class Environment:
    """What the plugins of one server block are given besides their directive.

    `client` makes a connection to the API; `resolve` asks the server this block is on, as a client of it would;
    `changed` drops the kept answers made of some tags, or all (None); `reload` asks for `corefile` (a path) to be read
    again; `fail` ends the server and says why; `waiting` names what keeps us from being ready; `troubles` hears of what
    fails unexpectedly; `plugins` are those of the block, by name, once it is built.
    """

    client: Callable[[], Client]
    resolve: Handler
    changed: Callable[[tuple[Hashable, ...] | None], None]
    reload: Callable[[], None]
    fail: Callable[[str], None]
    metrics: Metrics
    corefile: str
    waiting: Callable[[], Sequence[str]]
    troubles: Troubles
    plugins: Mapping[str, Plugin]


@dataclass(frozen=True, slots=True)
class Chain:
    """A server block ready to serve: `handle` runs a query through `plugins`.

    `keeps`: an answer that may be kept may be given again without asking them.
    """

    block: ServerBlock
    plugins: Mapping[str, Plugin]
    handle: Handler
    keeps: bool


def check(block: ServerBlock) -> None:
    """Refuse by name what we do not have; raises CorefileError."""
    seen: set[str] = set()
    for directive in block.directives:
        if directive.name in NOT_HERE:
            raise directive.error("this plugin of CoreDNS is not supported")
        if directive.name not in ORDER:
            raise directive.error(f"there is no such plugin; known are {', '.join(sorted(ORDER))}")
        if directive.name in seen and not getattr(_module(directive), "MANY", False):
            raise directive.error("is given twice in one server block")
        seen.add(directive.name)


def in_order(block: ServerBlock) -> list[Directive]:
    """Return a block's directives as queries pass them."""
    return sorted(block.directives, key=lambda d: ORDER.index(d.name))


def build(block: ServerBlock, environment: Environment) -> Chain:
    """Return the chain of one server block; raises CorefileError."""
    check(block)
    plugins: dict[str, Plugin] = {}
    environment = replace(environment, plugins=plugins)
    for directive in in_order(block):
        name = directive.name
        if name in plugins:
            name = f"{name} {' '.join(directive.args)}#{len(plugins)}"
        plugins[name] = _module(directive).setup(directive, block, environment)
    handle: Handler = refuse
    for plugin in reversed(plugins.values()):
        if type(plugin).serve is not Quiet.serve:
            handle = partial(plugin.serve, next=handle)
    return Chain(block, plugins, handle, not any(plugin.sees_every_query for plugin in plugins.values()))


def declared(block: ServerBlock, what: str) -> list[Any]:
    """Return what each plugin's function `what` makes of its directive, where it has one; raises CorefileError."""
    found = ((getattr(_module(directive), what, None), directive) for directive in block.directives)
    return [function(directive) for function, directive in found if function]


def _module(directive: Directive) -> Any:
    return import_module(f"wherry.dns.plugins.{directive.name}")


def by_place(blocks: list[ServerBlock]) -> dict[Place, list[ServerBlock]]:
    """Return the server blocks by listener; raises CorefileError when two answer for one zone at one."""
    found: dict[Place, list[ServerBlock]] = {}
    seen: set[Place] = set()
    for block in blocks:
        for place in block.places:
            if place in seen:
                raise CorefileError(f"{block.at}: {place.zone} has a server block at {place} already")
            seen.add(place)
            at = found.setdefault(place._replace(zone=""), [])
            if block not in at:
                at.append(block)
    return found
