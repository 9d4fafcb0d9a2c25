"""Whether the `matchConditions` of a webhook or a policy are met by a request.

Source: apiserver pkg/admission/plugin/webhook/matchconditions/matcher.go; KEP-3716.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

from wherry.apiserver.admission import deciding
from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.request import request_of
from wherry.objects import Object
from wherry.objects.resource import Resource

Variables = Mapping[str, Any]


class Met(NamedTuple):
    """Whether all conditions are met; `error` says why that is not known, "" where it is."""

    met: bool
    error: str = ""


def variables(asked: Asked, subject: Subject, resource: Resource) -> dict[str, Any]:
    """Return what expressions see of a request: `object`, `oldObject`, `request`, `authorizer`."""
    return {
        "object": subject.new(resource),
        "oldObject": subject.old(resource),
        "request": request_of(asked, subject, resource),
        "authorizer": deciding.asker(asked),
    }


def met(conditions: Sequence[Object], around: Callable[[], Variables]) -> Met:
    """Evaluate conditions over what `around` returns, which is asked only where there are any.

    One that is false decides, whatever is wrong with the others.
    """
    if not conditions:
        return Met(True)
    from wherry.cel import typeless
    from wherry.cel.errors import CelError

    seen, problems = around(), []
    for condition in conditions:
        try:
            if typeless.compiled(condition["expression"], tuple(seen)).evaluate(seen) is not True:
                return Met(False)
        except CelError as error:
            problems.append(f"expression '{condition['expression']}' resulted in error: {error}")
    return Met(not problems, "; ".join(problems))
