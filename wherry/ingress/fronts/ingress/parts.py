"""Parts: what can be left out of a snapshot, and the snapshot without it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass, replace

from wherry.ingress.fronts.ingress.classes import is_ours
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.route.problem import Subject
from wherry.objects import Object, metadata


@dataclass(frozen=True, slots=True, order=True)
class Part:
    """One Ingress, or one `entry` of a ConfigMap."""

    subject: Subject
    entry: str = ""


def parts(snapshot: Snapshot, choices: Choices) -> list[Part]:
    """Return all parts: the ConfigMaps' entries, which are for everybody, then our Ingresses, the oldest first."""
    entries = [part for config_map in _config_maps(snapshot) for part in _entries(config_map)]
    ours = [o for o in sorted(snapshot.ingresses, key=metadata.age) if is_ours(o, snapshot.classes, choices.classes)]
    return [*entries, *(Part(Subject.of_ingress(o)) for o in ours)]


def without(snapshot: Snapshot, left_out: Collection[Part]) -> Snapshot:
    """Return the snapshot without some of its parts."""
    if not left_out:
        return snapshot
    gone = set(left_out)
    return replace(
        snapshot,
        ingresses=[o for o in snapshot.ingresses if Part(Subject.of_ingress(o)) not in gone],
        config_map=_without_entries(snapshot.config_map, gone),
        tcp_services=_without_entries(snapshot.tcp_services, gone),
        udp_services=_without_entries(snapshot.udp_services, gone),
    )


def _config_maps(snapshot: Snapshot) -> Iterator[Object]:
    yield from (o for o in (snapshot.config_map, snapshot.tcp_services, snapshot.udp_services) if o)


def _entries(config_map: Object) -> list[Part]:
    return [Part(Subject.of_config_map(config_map), key) for key in sorted(config_map.get("data") or {})]


def _without_entries(config_map: Object | None, gone: Collection[Part]) -> Object | None:
    if config_map is None:
        return None
    subject = Subject.of_config_map(config_map)
    kept = {k: v for k, v in (config_map.get("data") or {}).items() if Part(subject, k) not in gone}
    return {**config_map, "data": kept}
