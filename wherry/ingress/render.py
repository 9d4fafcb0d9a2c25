"""What the controller would do, printed: nginx.conf, what is pushed beside it, and what is wrong."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from wherry.ingress.applier import backend_entries
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.nginx.template import render
from wherry.ingress.options import Options
from wherry.ingress.reading import read
from wherry.ingress.route.problem import Problem
from wherry.objects import Object


@dataclass(frozen=True, slots=True)
class Rendering:
    """The nginx.conf for some objects, the endpoints pushed beside it, and what is wrong with the objects."""

    conf: str
    backends: dict[str, list[tuple[str, int]]]
    problems: tuple[Problem, ...]


def render_objects(objects: Iterable[Object], options: Options, runtime: Runtime) -> Rendering:
    """Return the rendering of a set of objects; raises `UnsupportedManifest`."""
    reading = read(objects, options)
    conf = render(reading.model.structure, runtime)
    return Rendering(conf, backend_entries(reading.backends.values()), reading.problems)
