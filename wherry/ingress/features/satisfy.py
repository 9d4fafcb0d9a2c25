"""Whether one of several restrictions is enough."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation
from wherry.ingress.features.answer import Answer
from wherry.ingress.features.directive import Line, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

ANNOTATIONS: Final = (
    Annotation(
        name="satisfy",
        doc="all: address lists and passwords must all be met; any: one of them is enough.",
        read=values.one_of("all", "any"),
        default="all",
        restricts=True,
    ),
)


@dataclass(frozen=True)
class Satisfy(Part):
    """Any of the restrictions is enough."""

    def location(self, at: At) -> Iterator[Line]:
        """Say so."""
        yield line("satisfy", "any")

    def combined(self, refusals: Sequence[Answer]) -> tuple[Answer, ...]:
        """Return the refusals that are left where it is enough that one restriction is met."""
        conditions = [one for one in refusals if one.when]
        if len(conditions) < len(refusals):
            return tuple(conditions) or tuple(refusals)
        if len(conditions) < 2:
            return ()
        return (replace(conditions[-1], when=" and ".join(one.when for one in conditions)),)


def of(policy: Policy, sources: Sources) -> Satisfy | None:
    """Return the rule, None for all."""
    return Satisfy() if policy["satisfy"] == "any" else None
