"""The version of Kubernetes all of this follows: its API's types, its words, and what server and nodes call themselves.

To raise it: the modules in scripts/schema/go.mod, the folder of kubernetes-validate in scripts/distil-schema, the
bounds of both packages in pyproject.toml, and the numbers here. `tests/objects/test_version.py` compares them.
"""

from __future__ import annotations

MAJOR, MINOR = 1, 37

GIT_VERSION = f"v{MAJOR}.{MINOR}.0+wherry"
"""As `kubectl version` and `kubectl get nodes` show it; `+wherry` since it is no build of Kubernetes."""
