"""What several verbs share: the option that names a cluster, finding that cluster, and command lines to advise."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any, TypeVar

import click

from wherry.cli.failure import Failure, Misuse, told
from wherry.cluster import datadir, sandbox
from wherry.cluster.config import ClusterConfig, ConfigError
from wherry.cluster.paths import Paths

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT = "default"
GROUPS = ("image", "node", "snapshot")
"""Verbs that have verbs of their own, which take the option."""

name: Callable[[F], F] = click.option("--name", default=DEFAULT, show_default=True, help="The cluster's name.")


def located(name: str) -> Paths:
    """Return where a cluster is or would be; raises Failure."""
    with told(ConfigError):
        return datadir.locate(name, None)


def existing(name: str) -> tuple[Paths, ClusterConfig]:
    """Return a cluster's paths and configuration, running or not; raises Failure naming the clusters there are."""
    paths = located(name)
    if not paths.config.exists():
        raise unknown(name)
    with told(ConfigError):
        return paths, ClusterConfig.load(paths.config)


def running(name: str) -> tuple[Paths, ClusterConfig, int]:
    """Return a running cluster's paths, configuration and the pid of its init; raises Failure."""
    paths, config = existing(name)
    init = sandbox.running(paths)
    if init is None:
        raise Failure(f"cluster {name} is stopped; `{verb('up', name)}` starts it")
    return paths, config, init


def check_one(name: str | None, kubeconfig: str | None) -> None:
    """Raise Misuse where both a cluster of `wherry up` and any other are given."""
    if name and kubeconfig:
        raise Misuse("--name is a cluster of `wherry up`, --kubeconfig any other: give one of them")


def unknown(name: str) -> Failure:
    """Return the error for a cluster that is not there; it names those that are."""
    others = ", ".join(f"--name {other}" for other in datadir.known())
    there = f"there is: {others}" if others else f"`{verb('up', name)}` makes it"
    return Failure(f"there is no cluster {name}; {there}{of_root()}")


def of_root() -> str:
    """Return what to add for an ordinary user who finds no cluster: one made with sudo is root's."""
    return "" if os.geteuid() == 0 else " (those that sudo made are root's: use sudo)"


def verb(words: str, name: str) -> str:
    """Return the command line `wherry WORDS` for a cluster, with its name where it is not the default."""
    all_words = words.split()
    own = 2 if all_words[0] in GROUPS else 1
    named = [] if name == DEFAULT else ["--name", name]
    return " ".join(["wherry", *all_words[:own], *named, *all_words[own:]])
