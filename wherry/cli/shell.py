"""`wherry shell NODE`: the article's `[root@k8s-master]#`, a shell in a node's network namespace."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

import click

from wherry.cli import options
from wherry.cli.failure import Failure, reset_signals
from wherry.cluster.paths import node_namespace


@click.command(context_settings={"ignore_unknown_options": True})
@options.name
@click.argument("node")
@click.argument("cmd", nargs=-1, type=click.UNPROCESSED)
def command(name: str, node: str, cmd: Sequence[str]) -> None:
    """Run CMD (or a shell) in NODE's network namespace, beside the cluster's processes, with KUBECONFIG set.

    The host name is the node's; files are the host's own. Exit code and signals are the command's.
    """
    paths, config, pid = options.running(name)
    if os.geteuid() != 0:
        raise Failure("entering a node's network needs root: run it with sudo")
    nodes = [n.name for n in config.nodes]
    if node not in nodes:
        raise Failure(f"cluster {name} has no node {node!r}; it has {', '.join(nodes)}")
    # The kubectl beside this interpreter serves where the machine has none of its own.
    path = f"{os.environ.get('PATH', os.defpath)}:{Path(sys.executable).parent}"
    environment = {**os.environ, "KUBECONFIG": str(paths.admin_conf), "PATH": path, "PS1": r"[\u@\h \W]# "}
    shell = list(cmd) or ["bash", "--norc"]
    inside = ["unshare", "--uts", "--", "sh", "-c", 'hostname "$0" && exec "$@"', node, *shell]
    enter_network = ["nsenter", f"--net={node_namespace(node)}", "--", *inside]
    # --wdns keeps the working directory, as seen from inside the sandbox's mounts
    enter_sandbox = ["nsenter", f"--target={pid}", "--mount", "--pid", f"--wdns={os.getcwd()}", "--", *enter_network]
    reset_signals()
    os.execvpe("nsenter", enter_sandbox, environment)
