"""`wherry proxy`: run the service proxy of a node, print its plan, have those of a running cluster work another way.

run.py          run it; the group its other verbs hang on
plan.py         `wherry proxy plan`
set_mode.py     `wherry proxy set-mode`
problems.py     what can be wrong, as one line
"""

from wherry.cli.proxy.run import command

__all__ = ["command"]
