"""Validating webhooks: all asked at once, since none changes anything.

Source: apiserver pkg/admission/plugin/webhook/validating/dispatcher.go.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.webhooks import selecting
from wherry.apiserver.admission.webhooks.asking import Asking
from wherry.apiserver.admission.webhooks.index import Called
from wherry.apiserver.state.state import State


class Validating:
    """Has webhooks allow what is written."""

    def __init__(self, asking: Asking, state: State):
        self._asking = asking
        self._state = state

    async def run(self, webhooks: Sequence[Called], asked: Asked, subject: Subject) -> None:
        """Ask `webhooks`; raises the refusal of the first, in their order, that does not allow the request."""
        wanted = [called for called in webhooks if selecting.selects(called, asked, subject, self._state)]
        answers = (self._asking.ask(called, asked, subject) for called in wanted)
        for answer in await asyncio.gather(*answers, return_exceptions=True):
            if isinstance(answer, BaseException):
                raise answer
