"""wherry: Kubernetes service access in Python.

A whole small Kubernetes on one machine (`wherry up`), and a service proxy, a cluster DNS and an Ingress controller
that run against any conformant API server. ARCHITECTURE.md draws the rooms and the rules between them.
"""

__version__ = "0.1.0"
