"""Requests go to the Service's cluster IP, and the service proxy chooses the endpoint."""

from __future__ import annotations

from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation

ANNOTATIONS: Final = (
    Annotation(
        name="service-upstream",
        doc="Requests go to the Service's cluster IP instead of its endpoints, so affinity and load-balance have "
        "nothing to choose from.",
        read=values.boolean,
        default=False,
        setting=True,
    ),
)
