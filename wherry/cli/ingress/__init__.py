"""`wherry ingress`: run the Ingress controller, or say what it would do.

    run.py          run it; the group its other verbs hang on
    flags.py        ingress-nginx' flags
    render.py       `wherry ingress render`
    explain.py      `wherry ingress explain`
    lint.py         `wherry ingress lint`
    migrate.py      `wherry ingress migrate`
    gathering.py    what those share: objects from files or a cluster, as the controller there sees them
    installed.py    controllers that run in a cluster, and their flags
    manifests.py    objects from files
    connecting.py   the client of a kubeconfig

What it says on its own behalf is in `run.py`.
"""

from wherry.cli.ingress.run import command

__all__ = ["command"]
