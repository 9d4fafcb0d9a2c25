"""Further names of a host: aliases, and the one with or without `www.` that leads to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk, Scope
from wherry.ingress.features.part import Part, Sources
from wherry.ingress.features.policy import Policy
from wherry.objects import names


def _aliases(text: str) -> tuple[str, ...]:
    found = values.separated(text)
    for name in found:
        if names.wildcard_subdomain(name) if name.startswith("*") else names.dns_subdomain(name):
            raise values.BadValue(f"expected hosts with commas between, got {name!r}; patterns are not supported")
    return tuple(dict.fromkeys(found))


ANNOTATIONS: Final = (
    Annotation(
        name="server-alias",
        scope=Scope.HOST,
        risk=Risk.HIGH,
        doc="Further names of the host, with commas between; a name that has rules of its own is no alias.",
        read=_aliases,
        default=(),
    ),
    Annotation(
        name="from-to-www-redirect",
        scope=Scope.HOST,
        doc="The host's name with www. before it, or without, leads to it (308).",
        read=values.boolean,
        default=False,
    ),
)


@dataclass(frozen=True)
class Hostnames(Part):
    """The names, and whether the one with or without `www.` leads here."""

    host_wide = True

    aliases: tuple[str, ...] = ()
    www: bool = False


def of(policy: Policy, sources: Sources) -> Hostnames | None:
    """Return the names, None without any."""
    made = Hostnames(policy["server-alias"], policy["from-to-www-redirect"])
    return made if made != Hostnames() else None
