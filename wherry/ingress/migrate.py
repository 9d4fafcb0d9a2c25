"""What becomes of ingress-nginx's Ingresses and settings here: the same, something else, or refused. Pure.

Whether an annotation or key is honoured is asked of its reader, where it differs of its declaration (`features/`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from wherry.ingress import settings
from wherry.ingress.features.annotation import Annotation, Setting
from wherry.ingress.features.catalog import ANNOTATIONS, SETTINGS
from wherry.ingress.fronts.ingress.annotations import each
from wherry.ingress.fronts.ingress.classes import is_ours
from wherry.ingress.options import Options
from wherry.ingress.reading import Reading
from wherry.ingress.route import problem
from wherry.ingress.route.problem import Subject
from wherry.objects import Object, metadata

SAME: Final = "same"
DIFFERS: Final = "differs"
REFUSED: Final = "refused"

_OURS: Final = frozenset((problem.BAD_HOST, problem.BAD_PATH, problem.BAD_BACKEND, problem.INTERNAL))
"""Problems that ingress-nginx does not have with an Ingress that was stored."""


@dataclass(frozen=True, slots=True)
class Note:
    """An annotation, key or flag (or "" for the object itself), and what becomes of it."""

    name: str
    said: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of one object: names that mean the `same`, what `differs`, what is `refused`.

    `others` is what is wrong with it under ingress-nginx, too.
    """

    subject: str
    same: tuple[str, ...] = ()
    differs: tuple[Note, ...] = ()
    refused: tuple[Note, ...] = ()
    others: tuple[str, ...] = ()

    @property
    def verdict(self) -> str:
        """Return the worst of it in a word."""
        return REFUSED if self.refused else DIFFERS if self.differs else SAME


@dataclass(frozen=True, slots=True)
class Migration:
    """The fates of Ingresses, and of what the controller was told. `left`: Ingresses of other controllers."""

    ingresses: tuple[Fate, ...]
    controller: tuple[Fate, ...]
    left: tuple[str, ...]

    def count(self, verdict: str) -> int:
        """Return how many Ingresses have a verdict."""
        return sum(fate.verdict == verdict for fate in self.ingresses)

    def refused(self) -> dict[str, int]:
        """Return what is refused, and to how many Ingresses, the most first."""
        found: dict[str, int] = {}
        for fate in self.ingresses:
            for name in dict.fromkeys(note.name for note in fate.refused if note.name):
                found[name] = found.get(name, 0) + 1
        return dict(sorted(found.items(), key=lambda one: (-one[1], one[0])))


def migrate(reading: Reading, options: Options, flags: Sequence[Fate] = ()) -> Migration:
    """Return what becomes of all; `flags` is what becomes of the controller's command line."""
    snapshot = reading.snapshot
    ours = [o for o in snapshot.ingresses if is_ours(o, snapshot.classes, options.classes)]
    left = [o for o in snapshot.ingresses if not is_ours(o, snapshot.classes, options.classes)]
    controller = [*flags, *_config_maps(reading)]
    return Migration(
        tuple(_of_ingress(one, reading, options.annotations_prefix) for one in sorted(ours, key=metadata.key)),
        tuple(controller),
        tuple("/".join(metadata.key(one)) for one in sorted(left, key=metadata.key)),
    )


def _of_ingress(ingress: Object, reading: Reading, prefix: str) -> Fate:
    subject = Subject.of_ingress(ingress)
    read = list(each(metadata.annotations(ingress), prefix))
    refused = [Note(one.name, _refusal(one.why, one.closes, "the paths answer 503")) for one in read if one.why]
    others: list[str] = []
    for one in reading.problems:
        if one.subject != subject or one.reason == problem.UNSUPPORTED:
            continue
        if one.reason in _OURS:
            refused.append(Note("", one.message))
        elif one.reason != problem.BAD_ANNOTATION or not any(note.name in one.message for note in refused):
            others.append(one.message)
    used = [one.name for one in read if not one.why]
    return _fate(str(subject), used, ANNOTATIONS, refused, others)


def _config_maps(reading: Reading) -> Iterator[Fate]:
    """Yield the fates of the controller's ConfigMaps."""
    snapshot = reading.snapshot
    if snapshot.config_map:
        read = list(settings.each(snapshot.config_map.get("data") or {}, snapshot.config_maps))
        refused = [Note(one.name, _refusal(one.why, one.closes, "everything answers 503")) for one in read if one.why]
        used = [one.name for one in read if not one.why]
        yield _fate(str(Subject.of_config_map(snapshot.config_map)), used, SETTINGS, refused, ())
    for config_map in (snapshot.tcp_services, snapshot.udp_services):
        if config_map:
            subject = Subject.of_config_map(config_map)
            refused = [Note("", one.message) for one in reading.problems if one.subject == subject]
            how = "connections go to the Service's cluster IP, and the service proxy chooses the endpoint"
            yield Fate(str(subject), differs=(Note("", how),), refused=tuple(refused))


def _fate(
    subject: str,
    used: Iterable[str],
    catalog: Mapping[str, Annotation] | Mapping[str, Annotation | Setting],
    refused: Sequence[Note],
    others: Sequence[str],
) -> Fate:
    declared = {name: catalog[name].differs if name in catalog else "" for name in used}
    return Fate(
        subject,
        same=tuple(name for name, how in declared.items() if not how),
        differs=tuple(Note(name, how) for name, how in declared.items() if how),
        refused=tuple(refused),
        others=tuple(others),
    )


def _refusal(why: str, closes: bool, closed: str) -> str:
    return f"{why}; it restricts access, so {closed}" if closes else f"{why}; it has no effect"
