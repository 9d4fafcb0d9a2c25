"""What the model is made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from wherry.ingress.fronts.gateway.snapshot import Gateways, Ports
from wherry.ingress.fronts.ingress.annotations import DEFAULT_PREFIX
from wherry.ingress.route.problem import Key
from wherry.objects import Object


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The objects at one moment. `classes` is None where we may not read IngressClasses."""

    ingresses: Sequence[Object] = ()
    classes: Sequence[Object] | None = ()
    services: Mapping[Key, Object] = field(default_factory=dict)
    secrets: Mapping[Key, Object] = field(default_factory=dict)
    config_maps: Mapping[Key, Object] = field(default_factory=dict)
    """Those that annotations and settings name, and others."""
    config_map: Object | None = None
    """The controller's settings."""
    tcp_services: Object | None = None
    udp_services: Object | None = None
    gateways: Gateways = field(default_factory=Gateways)
    """What the other front is made from."""


def hosts(ingress: Object) -> list[str]:
    """Return the hosts of an Ingress' rules in its order, each once; "" for every host."""
    rules = (ingress.get("spec") or {}).get("rules") or ()
    return list(dict.fromkeys(rule.get("host") or "" for rule in rules))


@dataclass(frozen=True, slots=True)
class ClassChoice:
    """Which Ingresses are ours; see `classes.is_ours`.

    `without_class`: whether those without any class are; None means where `name` is the default class.
    `by_name`: an Ingress of a class called `name` is ours, whatever IngressClass there is.
    """

    name: str = "nginx"
    controller: str = "k8s.io/ingress-nginx"
    without_class: bool | None = None
    by_name: bool = False


@dataclass(frozen=True, slots=True)
class Choices:
    """What the command line decided."""

    classes: ClassChoice = field(default_factory=ClassChoice)
    annotations_prefix: str = DEFAULT_PREFIX
    default_service: Key | None = None
    catch_all: bool = True
    """Whether Ingresses may have rules for every host."""
    passthrough: bool = False
    """Whether `ssl-passthrough` is heeded."""
    reserved_ports: frozenset[int] = frozenset()
    """Ports of the node that TCP and UDP services must not take: ours."""
    ports: Ports = field(default_factory=Ports)
    """Ports that listeners of Gateways may have."""
