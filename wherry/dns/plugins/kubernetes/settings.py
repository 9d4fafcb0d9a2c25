"""What the directive says; its options are in the README."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from pathlib import Path

from wherry.client.interface import Client
from wherry.dns.corefile import Directive, Option, ServerBlock
from wherry.dns.durations import seconds
from wherry.objects.errors import ApiError
from wherry.objects.selectors import LabelSelector, parse_labels

log = logging.getLogger(__name__)

NOT_HERE = {"endpoint", "tls", "multicluster", "zonal"}
FOR_NOTHING = {"apiserver_qps", "apiserver_burst", "apiserver_max_inflight"}
"""Limits on a client that asks for four lists and then watches."""


@dataclass
class Settings:
    """What the directive asks for. `fallthrough`: zones, or None for never. `ttl` is in seconds."""

    zones: tuple[bytes, ...]
    ttl: int = 5
    pods: str = "disabled"
    endpoints: bool = True
    ignore_empty: bool = False
    pod_names: bool = False
    only_hostnames_reversed: bool = False
    namespaces: frozenset[str] = frozenset()
    labels: LabelSelector = field(default_factory=lambda: parse_labels(""))
    namespace_labels: LabelSelector = field(default_factory=lambda: parse_labels(""))
    fallthrough: tuple[bytes, ...] | None = None
    kubeconfig: tuple[str, str | None] | None = None

    def connect(self, other: Client | None) -> Client:
        """Return a client for the cluster asked for; `other` where the directive names none. Raises ConfigError."""
        from wherry.client.http import connect

        if self.kubeconfig is None:
            assert other is not None
            return other
        return connect(Path(self.kubeconfig[0]), self.kubeconfig[1])


def settings(directive: Directive, block: ServerBlock) -> Settings:
    """Read the directive; raises CorefileError."""
    result = Settings(directive.zones(directive.args) or block.zones())
    for option in directive.options:
        _read(option, directive, result)
    return result


def _read(option: Option, directive: Directive, result: Settings) -> None:
    match option.name, option.args:
        case "pods", (("disabled" | "insecure" | "verified") as mode,):
            result.pods = mode
        case "ttl", (number,) if number.isdigit() and int(number) <= 3600:
            result.ttl = int(number)
        case "fallthrough", zones:
            result.fallthrough = directive.zones(zones or (".",))
        case "noendpoints", ():
            result.endpoints = False
        case "ignore", ("empty_service",):
            result.ignore_empty = True
        case "endpoint_pod_names", ():
            result.pod_names = True
        case "ptr", (("all" | "hostnames") as which,):
            result.only_hostnames_reversed = which == "hostnames"
        case "namespaces", some if some:
            result.namespaces = frozenset(some)
        case ("labels" | "namespace_labels") as name, words if words:
            setattr(result, name, _selector(option, directive))
        case "kubeconfig", (path, *context) if len(context) < 2:
            result.kubeconfig = path, context[0] if context else None
        case "startup_timeout", (duration,):
            seconds(
                duration, directive
            )  # we serve SERVFAIL until the first sync and never give up: nothing to wait for
        case name, (number,) if name in FOR_NOTHING and number.replace(".", "", 1).isdigit():
            log.warning("%s: kubernetes: %s is not needed here and does nothing", option.at, name)
        case name, _ if name in NOT_HERE:
            raise directive.error(f"{option.at}: the option {name} is not supported")
        case _:
            raise directive.unknown(option)


def _selector(option: Option, directive: Directive) -> LabelSelector:
    try:
        return parse_labels(" ".join(option.args))
    except (ApiError, ValueError) as error:
        raise directive.error(f"{option.name}: {error}") from error
