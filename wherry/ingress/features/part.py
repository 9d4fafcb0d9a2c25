"""A part: what one feature adds to a location, its server and the whole of nginx. Immutable, compared by value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from wherry.ingress.features.answer import Answer, Asked
from wherry.ingress.features.directive import Line, Text
from wherry.objects import Object


class Closed(ValueError):
    """What restricts access cannot be honoured: the paths must answer 503; the message says why.

    `missing`: the kind of the object that is named and does not exist, if that is why.
    """

    def __init__(self, why: str, missing: str = ""):
        super().__init__(why)
        self.missing = missing


class HostClosed(Closed):
    """The same for a restriction that holds for the whole host."""


@dataclass(frozen=True, slots=True)
class Sources:
    """Objects a feature may read for an Ingress: those of its own namespace, by name."""

    namespace: str = ""
    name: str = ""
    secret: Callable[[str], Object | None] = lambda name: None
    config_map: Callable[[str], Object | None] = lambda name: None
    service: Callable[[str], Object | None] = lambda name: None
    default_backend: tuple[str, str, str] | None = None
    """Who answers what no rule takes: namespace, Service, port."""


@dataclass(frozen=True, slots=True)
class At:
    """A location, as a part needs to know it.

    `owner` is the Ingress' namespace and name with a slash, or ""; `port` its Service's, as the rule names it.
    """

    host: str = "_"
    tls: bool = False
    path: str = "/"
    pattern: bool = False
    owner: str = ""
    id: str = ""
    port: str = ""


@dataclass(frozen=True)
class Part:
    """The typed wish of one feature; another front makes the same ones.

    `host_wide`: it belongs to the host; the oldest Ingress that has one decides for all paths.
    """

    host_wide: ClassVar[bool] = False

    def http(self) -> Iterable[Line]:
        """Return directives outside of all servers; equal ones of several parts are written once."""
        return ()

    def server(self) -> Iterable[Line]:
        """Return directives of the server, for what is `host_wide` or for everybody."""
        return ()

    def location(self, at: At) -> Iterable[Line]:
        """Return directives of the location."""
        return ()

    def beside(self, at: At) -> Iterable[Line]:
        """Return further locations of the server, internal ones."""
        return ()

    def headers(self) -> Mapping[str, Text]:
        """Return request headers for the endpoint, over those everybody gets; "" takes one away."""
        return {}

    def backends(self) -> Iterable[tuple[str, str, str]]:
        """Return further Services it sends requests to: (namespace, name, port); port "" is the first one."""
        return ()

    def data(self, at: At) -> Mapping[str, Any]:
        """Return what Lua is told of the location: it changes without a reload."""
        return {}

    def server_answers(self, asked: Asked) -> Iterable[Answer]:
        """Return what the directives of `server` answer by themselves, in their order."""
        return ()

    def answers(self, at: At, asked: Asked) -> Iterable[Answer]:
        """Return what the directives of `location` answer by themselves, before any endpoint is looked for."""
        return ()

    def refusals(self, at: At, asked: Asked) -> Iterable[Answer]:
        """Return what they answer once there is an endpoint: whom they do not let through to it."""
        return ()
