"""All fronts together: `build`."""

from __future__ import annotations

from wherry.ingress.fronts.gateway import build as gateway
from wherry.ingress.fronts.gateway.snapshot import Others
from wherry.ingress.fronts.ingress import build as ingress
from wherry.ingress.fronts.ingress.snapshot import Choices, Snapshot
from wherry.ingress.route.model import Model


def build(snapshot: Snapshot, choices: Choices) -> Model:
    """Return the model of a snapshot: what Ingresses ask for, and Gateways beside them."""
    model = ingress.build(snapshot, choices)
    if not snapshot.gateways.gateways and not snapshot.gateways.classes:
        return model
    return gateway.add(model, snapshot.gateways, Others(snapshot.services, snapshot.secrets), choices.ports)
