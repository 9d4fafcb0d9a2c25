"""The Ingress controllers that run in a cluster, ours or ingress-nginx's: what their command lines decide."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import click

from wherry.cli.goflags import WITHOUT_EFFECT
from wherry.cli.ingress.flags import SPELLING, declare, options
from wherry.ingress.options import Options
from wherry.objects import Object, metadata

_IMAGE = re.compile(
    r"(^|[/-])(nginx-ingress-controller|ingress-nginx/controller(-chroot)?|wherry/ingress-controller)[:@]"
)
_OURS = ("--configmap", "--controller-class", "--ingress-class", "--publish-service")
"""Flags by which a container is known whose image has another name."""


@dataclass(frozen=True, slots=True)
class Controller:
    """A workload that is an Ingress controller; `options` None and `wrong`: its flags are not ours.

    `used` are the names of its flags, `without_effect` those among them that do nothing here.
    """

    name: str
    options: Options | None
    used: tuple[str, ...] = ()
    without_effect: tuple[str, ...] = ()
    wrong: str = ""


def installed(objects: Iterable[Object]) -> list[Controller]:
    """Return the controllers among Deployments and DaemonSets."""
    found = []
    for obj in objects:
        if obj["kind"] in ("Deployment", "DaemonSet"):
            pod = ((obj.get("spec") or {}).get("template") or {}).get("spec") or {}
            found += [_read(obj, words) for c in pod.get("containers") or () for words in _words(c, obj)]
    return found


def _words(container: Object, workload: Object) -> Iterator[list[str]]:
    """Yield the command line of a container that is an Ingress controller, with its variables filled in."""
    line = [*(container.get("command") or ()), *(container.get("args") or ())]
    flags = [re.split("=", word, maxsplit=1)[0].replace("_", "-") for word in line]
    runs_us = any(a.rpartition("/")[2] == "wherry" and b == "ingress" for a, b in pairwise(line))
    known = _IMAGE.search(f"{container.get('image', '')}:") or sum(flag in _OURS for flag in flags) >= 2
    if not runs_us and not known:
        return
    first = next((number for number, word in enumerate(line) if word.startswith("-")), len(line))
    values = {one["name"]: _value(one, workload) for one in container.get("env") or ()}
    yield [re.sub(r"\$\((\w+)\)", lambda named: values.get(named[1], named[0]), word) for word in line[first:]]


def _value(variable: Object, workload: Object) -> str:
    path = ((variable.get("valueFrom") or {}).get("fieldRef") or {}).get("fieldPath")
    if path == "metadata.namespace":
        return metadata.key(workload)[0]
    return str(variable.get("value") or "")


def _read(workload: Object, words: list[str]) -> Controller:
    name = f"{workload['kind']} {'/'.join(metadata.key(workload))}"
    used = tuple(
        dict.fromkeys(word.lstrip("-").partition("=")[0].replace("_", "-") for word in words if word[:1] == "-")
    )
    try:
        context = _flags.make_context("ingress", list(words))
        made = options(context.params)
    except click.ClickException as error:
        return Controller(name, None, used, wrong=error.format_message())
    ignored = (name.lstrip("-") for name in context.meta.get(WITHOUT_EFFECT, ()))
    return Controller(name, made, used, tuple(dict.fromkeys(ignored)))


@click.command(context_settings=SPELLING, add_help_option=False)
@declare
def _flags(**given: Any) -> None:
    """Take the flags alone."""
