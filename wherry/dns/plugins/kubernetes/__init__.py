"""kubernetes: answers for the cluster's zone and its reverse zones from Services, EndpointSlices and Namespaces.

settings.py  what the directive says
records.py   pure: the cluster's objects -> the records of the specification
endpoint.py  pure: EndpointSlices -> the endpoints of a Service
follow.py    keeps the records as the cluster is
answer.py    the plugin
"""

from __future__ import annotations

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.plugins.kubernetes.answer import Kubernetes
from wherry.dns.plugins.kubernetes.settings import settings

MANY = True
"""A server block may have several."""


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Kubernetes:
    """Make the plugin."""
    return Kubernetes(settings(directive, block), environment)
