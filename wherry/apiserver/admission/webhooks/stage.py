"""Where webhooks have their say: which are called for a request, and then mutating ones before validating ones."""

from __future__ import annotations

from typing import NamedTuple

from wherry.apiserver.admission.asked import Asked, Subject
from wherry.apiserver.admission.rules import About
from wherry.apiserver.admission.webhooks.asking import Asking
from wherry.apiserver.admission.webhooks.index import Called, Index
from wherry.apiserver.admission.webhooks.mutating import Again, Mutating
from wherry.apiserver.admission.webhooks.validating import Validating
from wherry.apiserver.calls.webhook import Webhooks
from wherry.apiserver.catalog import Catalog
from wherry.apiserver.state.state import State
from wherry.objects.resource import MUTATING_WEBHOOK_CONFIGURATIONS, VALIDATING_WEBHOOK_CONFIGURATIONS


class Wanted(NamedTuple):
    """The webhooks whose rules are about a request."""

    mutating: tuple[Called, ...] = ()
    validating: tuple[Called, ...] = ()

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return bool(self.mutating or self.validating)


_NONE = Wanted()


class AdmissionWebhooks:
    """Asks the configured webhooks by `calls`.

    Nobody is asked before `open`: a server that starts must be able to write what it begins with, whoever is broken.
    """

    def __init__(self, state: State, catalog: Catalog, calls: Webhooks):
        self._mutating_index = Index(state, catalog, MUTATING_WEBHOOK_CONFIGURATIONS, mutating=True)
        self._validating_index = Index(state, catalog, VALIDATING_WEBHOOK_CONFIGURATIONS, mutating=False)
        asking = Asking(calls)
        self._mutating = Mutating(asking, state)
        self._validating = Validating(asking, state)
        self._opened = False

    def open(self) -> None:
        """Ask from now on."""
        self._opened = True

    def wanted(self, about: About) -> Wanted:
        """Return the webhooks for a request."""
        if not self._opened:
            return _NONE
        return Wanted(self._mutating_index.called(about), self._validating_index.called(about))

    async def mutate(
        self, wanted: Wanted, asked: Asked, subject: Subject, again: Again, *, changed: bool = False
    ) -> None:
        """Have webhooks change `subject`; raises their refusals, see `Asking.ask`.

        `again` has another look at what was `changed`, by whom was asked before or by them.
        """
        await self._mutating.run(wanted.mutating, asked, subject, again, changed=changed)

    async def validate(self, wanted: Wanted, asked: Asked, subject: Subject) -> None:
        """Have webhooks look at `subject`, complete now; raises their refusals, see `Asking.ask`."""
        await self._validating.run(wanted.validating, asked, subject)
