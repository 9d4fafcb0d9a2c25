"""PriorityLevelConfiguration (flowcontrol.apiserver.k8s.io/v1): how many requests of a level are answered at once.

Source: kubernetes pkg/apis/flowcontrol/{v1/defaults.go,validation/validation.go};
pkg/printers/internalversion/printers.go (printPriorityLevelConfiguration).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

from wherry.apiserver.kind import Column, Context, Kind
from wherry.apiserver.kinds.common.defaults import fill
from wherry.apiserver.kinds.flowcontrol.suggested import EXEMPT, is_fixed
from wherry.objects import Object, fields
from wherry.objects.errors import FieldError
from wherry.objects.resource import PRIORITY_LEVEL_CONFIGURATIONS

TYPES = ("Exempt", "Limited")
RESPONSES = ("Queue", "Reject")
MOST_QUEUES = 10_000_000
MOST_ENTROPY = 60
"""Bits of the hash that queues are dealt by, upstream's shuffle sharding."""


def _default(obj: Object) -> None:
    spec = obj.setdefault("spec", {})
    if (exempt := spec.get("exempt")) is not None:
        fill(exempt, nominalConcurrencyShares=0, lendablePercent=0)
    if (limited := spec.get("limited")) is not None:
        fill(limited, nominalConcurrencyShares=30, lendablePercent=0)
        if (queuing := (limited.get("limitResponse") or {}).get("queuing")) is not None:
            for name, value in (("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)):
                queuing[name] = queuing.get(name) or value


def _prepare(new: Object, old: Object | None, context: Context) -> None:
    limited = (new.get("spec") or {}).get("limited") or {}
    told = [name for name in ("lendablePercent", "borrowingLimitPercent") if limited.get(name)]
    if told and (old is None or old.get("spec") != new.get("spec")):
        context.warn(f"spec.limited.{' and '.join(told)}: not acted upon by wherry, whose levels lend no seats")


def _validate(obj: Object) -> list[FieldError]:
    name, spec = obj["metadata"].get("name", ""), obj.get("spec") or {}
    return [*_errors(name, spec), *_fixed(name, spec)]


def _fixed(name: str, spec: Object) -> Iterator[FieldError]:
    if name == EXEMPT and not is_fixed(PRIORITY_LEVEL_CONFIGURATIONS, name, spec, but="exempt"):
        text = f"spec of '{name}' except the 'spec.exempt' field must equal the fixed value"
        yield fields.invalid("spec", spec, text)
    elif name != EXEMPT and not is_fixed(PRIORITY_LEVEL_CONFIGURATIONS, name, spec):
        yield fields.invalid("spec", spec, f"spec of '{name}' must equal the fixed value")


def _errors(name: str, spec: Object) -> Iterator[FieldError]:
    kind, limited, exempt = spec.get("type") or "", spec.get("limited"), spec.get("exempt")
    if (name == EXEMPT) != (kind == "Exempt"):
        yield fields.invalid("spec.type", kind, "must be 'Exempt' if and only if `name` is 'exempt'")
    if not kind:
        yield fields.required("spec.type")
    elif kind not in TYPES:
        yield fields.not_supported("spec.type", kind, TYPES)
    elif kind == "Exempt":
        if limited is not None:
            yield fields.forbidden("spec.limited", "must be nil if the type is not Limited")
        yield from _shares(exempt or {}, "spec.exempt")
    else:
        if exempt is not None:
            yield fields.forbidden("spec.exempt", "must be nil if the type is Limited")
        if limited is None:
            yield fields.required("spec.limited", "must not be empty when type is Limited")
        else:
            yield from _limited(limited)


def _shares(given: Object, path: str) -> Iterator[FieldError]:
    if (shares := given.get("nominalConcurrencyShares") or 0) < 0:
        yield fields.invalid(f"{path}.nominalConcurrencyShares", shares, "must be a non-negative integer")
    if not 0 <= (percent := given.get("lendablePercent") or 0) <= 100:
        yield fields.invalid(f"{path}.lendablePercent", percent, "must be between 0 and 100, inclusive")


def _limited(limited: Object) -> Iterator[FieldError]:
    path = "spec.limited.limitResponse"
    yield from _shares(limited, "spec.limited")
    if (percent := limited.get("borrowingLimitPercent") or 0) < 0:
        why = "if specified, must be a non-negative integer"
        yield fields.invalid("spec.limited.borrowingLimitPercent", percent, why)
    response = limited.get("limitResponse") or {}
    kind, queuing = response.get("type") or "", response.get("queuing")
    if not kind:
        yield fields.required(f"{path}.type")
    elif kind not in RESPONSES:
        yield fields.not_supported(f"{path}.type", kind, RESPONSES)
    elif kind == "Reject" and queuing is not None:
        yield fields.forbidden(f"{path}.queuing", "must be nil if limited.limitResponse.type is not Limited")
    elif kind == "Queue" and queuing is None:
        yield fields.required(f"{path}.queuing", "must not be empty if limited.limitResponse.type is Limited")
    elif kind == "Queue":
        yield from _queuing(queuing or {}, f"{path}.queuing")


def _queuing(queuing: Object, path: str) -> Iterator[FieldError]:
    longest, queues, hand = (queuing.get(name) or 0 for name in ("queueLengthLimit", "queues", "handSize"))
    if longest <= 0:
        yield fields.invalid(f"{path}.queueLengthLimit", longest, "must be positive")
    if queues <= 0:
        yield fields.invalid(f"{path}.queues", queues, "must be positive")
    elif queues > MOST_QUEUES:
        yield fields.invalid(f"{path}.queues", queues, f"must not be greater than {MOST_QUEUES}")
    if hand <= 0:
        yield fields.invalid(f"{path}.handSize", hand, "must be positive")
    elif hand > queues:
        yield fields.invalid(f"{path}.handSize", hand, f"should not be greater than queues ({queues})")
    elif _entropy(queues, hand) > MOST_ENTROPY:
        why = (
            f"required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {MOST_ENTROPY}"
        )
        yield fields.invalid(f"{path}.handSize", hand, why)


def _entropy(deck: int, hand: int) -> int:
    """Return how many bits tell the hands apart; source: apiserver pkg/util/shufflesharding (RequiredEntropyBits)."""
    hands = sum(math.log2(deck - dealt) for dealt in range(min(hand, MOST_ENTROPY + 1)))
    return math.ceil(hands)


def _shown(*path: str) -> Any:
    def cell(obj: Object) -> Any:
        value: Any = (obj.get("spec") or {}).get("limited")
        for name in path:
            value = (value or {}).get(name)
        return "<none>" if value is None else value

    return cell


_QUEUING = ("limitResponse", "queuing")

PRIORITY_LEVEL_CONFIGURATION = Kind(
    resource=PRIORITY_LEVEL_CONFIGURATIONS,
    default=_default,
    prepare=_prepare,
    validate=_validate,
    has_status=True,
    generation=True,
    columns=(
        Column("Type", lambda obj: (obj.get("spec") or {}).get("type", "")),
        Column("NominalConcurrencyShares", _shown("nominalConcurrencyShares")),
        Column("Queues", _shown(*_QUEUING, "queues")),
        Column("HandSize", _shown(*_QUEUING, "handSize")),
        Column("QueueLengthLimit", _shown(*_QUEUING, "queueLengthLimit")),
    ),
)
