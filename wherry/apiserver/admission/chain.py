"""Before a write: what it waits for, and what it must meet."""

from __future__ import annotations

import asyncio

from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.admission import (
    escalation,
    lifecycle,
    noderestriction,
    podresize,
    resourcequota,
    serviceaccount,
    signers,
)
from wherry.apiserver.admission.policies.stage import AdmissionPolicies
from wherry.apiserver.admission.webhooks.stage import AdmissionWebhooks
from wherry.apiserver.kind import Context, Kind
from wherry.apiserver.state.selection import select
from wherry.apiserver.state.state import State
from wherry.objects import Object
from wherry.objects.resource import SERVICE_ACCOUNTS

PATIENCE_SECONDS = 1.0
"""How long a new pod waits for its account: `default` is made a moment after its namespace."""


class Admission:
    """`admit` may wait, and nothing is held meanwhile; `confirm` has the last word, and does not wait.

    `webhooks` are asked in between, and `policies`.
    """

    def __init__(self, state: State, authorizer: Authorizer, webhooks: AdmissionWebhooks, policies: AdmissionPolicies):
        self.webhooks = webhooks
        self.policies = policies
        self._state = state
        self.authorizer = authorizer

    async def admit(self, kind: Kind, new: Object, old: Object | None, context: Context) -> None:
        """Complete the private `new`, defaults included, in place; raises `ApiError` when it may not be written."""
        if old is None:
            await self._account(kind, new)
        self.complete(kind, new, old, context)

    def complete(self, kind: Kind, new: Object, old: Object | None, context: Context) -> None:
        """Do what of `admit` does not wait: once more, when a webhook has changed `new`."""
        lifecycle.admit(kind, new, old, context)
        noderestriction.admit(kind, new, old, context)
        escalation.admit(kind, new, old, context, self.authorizer)
        serviceaccount.admit(kind, new, old, context)
        signers.admit(kind, new, old, context, self.authorizer)

    def confirm(self, kind: Kind, new: Object, old: Object | None, context: Context) -> None:
        """Check again what may have changed while `admit` waited and would leave `new` without a home."""
        lifecycle.admit(kind, new, old, context)

    def charge(self, kind: Kind, new: Object, old: Object | None, context: Context) -> None:
        """Raise `Forbidden` when a node or a namespace's quotas leave no room for what is complete and right."""
        podresize.admit(kind, new, old, context)
        resourcequota.admit(kind, new, old, context)

    async def admit_delete(self, kind: Kind, obj: Object, context: Context) -> None:
        """Raise `Forbidden` when the object may not be deleted, or not by this user."""
        lifecycle.check_delete(kind, obj["metadata"]["name"])
        noderestriction.check_delete(kind, obj, context.user)

    async def _account(self, kind: Kind, obj: Object) -> None:
        """Give the service account of a new pod a moment to appear."""
        name = serviceaccount.wanted(kind, obj)
        accounts = self._state.find(SERVICE_ACCOUNTS)
        if name is None or accounts is None:
            return
        namespace = obj["metadata"]["namespace"]
        if accounts.latest((namespace, name)) is not None:
            return
        selection = select(accounts.kind, namespace, fields=f"metadata.name={name}")
        watch = accounts.watch(selection, None)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await watch.take()
        except TimeoutError:
            pass  # what is missing is said below
        finally:
            watch.end()
