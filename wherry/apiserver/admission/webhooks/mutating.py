"""Mutating webhooks: one after the other, each sees what the one before has made.

When one changed the object, this server's own admission has another look at it, and so have webhooks before that one
that want to (`reinvocationPolicy: IfNeeded`), once.
Source: apiserver pkg/admission/reinvocation.go, pkg/admission/plugin/webhook/mutating (dispatcher.go,
reinvocationcontext.go).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.webhooks import selecting
from wherry.apiserver.admission.webhooks.asking import Asking
from wherry.apiserver.admission.webhooks.index import Called
from wherry.apiserver.state.state import State
from wherry.objects import fields, patch
from wherry.objects.errors import ApiError, InternalError

Again = Callable[[], bool]
"""Have another look at a changed object, perhaps change it more; return whether that was so."""


class Mutating:
    """Has webhooks change what is written."""

    def __init__(self, asking: Asking, state: State):
        self._asking = asking
        self._state = state

    async def run(
        self, webhooks: Sequence[Called], asked: Asked, subject: Subject, again: Again, *, changed: bool = False
    ) -> None:
        """Let `webhooks` change `subject`, in their order; raises what they refuse with.

        `changed`: somebody has changed it already since this server's own admission.
        """
        willing: set[Called] = set()
        due: set[Called] = set()
        for called in webhooks:
            if not selecting.selects(called, asked, subject, self._state):
                continue
            if await self._changed(called, asked, subject):
                changed = True
                due |= willing
                willing = set()
            if called.hook.again:
                willing.add(called)
        if changed and again():
            due |= willing
        for called in webhooks:
            if called in due and selecting.selects(called, asked, subject, self._state):
                await self._changed(called, asked, subject)

    async def _changed(self, called: Called, asked: Asked, subject: Subject) -> bool:
        """Ask one webhook, and return whether the subject is another now."""
        verdict = await self._asking.ask(called, asked, subject)
        if verdict is None or not verdict.patch:
            return False
        seen = subject.new(called.resource)
        if seen is None:
            name = fields.quote(called.hook.name)
            raise InternalError.of(
                f"admission webhook {name} attempted to modify the object, which is not supported for this operation"
            )
        try:
            return subject.take(called.resource, patch.json_patch(seen, verdict.patch))
        except ApiError as error:
            raise InternalError.of(f"{_patch_of(called)}: {error.message}") from error


def _patch_of(called: Called) -> str:
    return f"the patch of admission webhook {fields.quote(called.hook.name)} cannot be applied"
