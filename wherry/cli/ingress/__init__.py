"""`wherry ingress`: run the Ingress controller, or print what it would do.

    run.py          run it; the group its other verbs hang on
    flags.py        ingress-nginx' flags
    render.py       `wherry ingress render`
    manifests.py    objects from files
    connecting.py   the client of a kubeconfig

What it says on its own behalf is in `run.py`.
"""

from wherry.cli.ingress.run import command

__all__ = ["command"]
