"""`wherry`: the table of verbs. Each verb's module is imported only when it is called, so `--help` stays instant."""

from __future__ import annotations

import errno
import os
import sys
from importlib import import_module
from typing import Any

import click

from wherry import __version__
from wherry.cli.failure import Failure

VERBS = {
    "up": "Start a cluster and wait until its addons answer.",
    "down": "Stop a cluster; with --purge forget its state too.",
    "status": "Show the clusters, or one cluster's nodes and addons.",
    "logs": "Show what a component logged.",
    "kubeconfig": "Print a cluster's kubeconfig.",
    "image": "Show, pull, load, save, remove and build images.",
    "snapshot": "Save a cluster as it is, and bring it back.",
    "node": "Add and remove nodes, switch one off and on, cut it off.",
    "doctor": "Look for what is wrong with a cluster, and salvage a damaged store.",
    "shell": "Run a command in a node's network namespace.",
    "top": "Show what goes to each Service, and to each endpoint.",
    "trace": "Say what would become of a connection, step by step, and why.",
    "proxy": "Run the service proxy of one node, print its plan, or change the mode of all.",
    "networkpolicy": "Enforce NetworkPolicies on one node, or print its rules.",
    "dns": "Run the cluster DNS server.",
    "ingress": "Run the Ingress controller, or print its nginx.conf.",
}


def _leave_output(error: OSError) -> None:
    """Let what a full standard output still owes go nowhere: Python would try again at its end, and complain."""
    if error.errno == errno.ENOSPC and not error.filename:
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


class LazyGroup(click.Group):
    """A group whose commands live in `wherry.cli.<verb>`, each with a click command named `command`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the verbs in the order of the table."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one verb."""
        if cmd_name not in VERBS:
            return None
        command = import_module(f"wherry.cli.{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def invoke(self, ctx: click.Context) -> Any:
        """Run the verb; what the system refuses is one line that names it, with the way in for an ordinary user."""
        try:
            return super().invoke(ctx)
        except BrokenPipeError:
            raise  # whoever read has seen enough: click ends quietly
        except PermissionError as error:
            raise Failure(f"{error.filename or 'this'}: permission denied; a cluster is root's: use sudo") from error
        except OSError as error:
            from wherry.cluster import files  # here, so that `--help` imports no room

            _leave_output(error)
            raise Failure(files.told(error)) from error

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run all of it; what cannot be printed, help included, is one line too."""
        try:
            return super().main(*args, **extra)
        except OSError as error:
            Failure(f"cannot write the output: {error.strerror}").show()
            _leave_output(error)
            sys.exit(1)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs from the table, importing none."""
        with formatter.section("Commands"):
            formatter.write_dl(list(VERBS.items()))


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wherry")
def main() -> None:
    """A small real Kubernetes on this machine, and the proxy, DNS and Ingress controller for any other."""
