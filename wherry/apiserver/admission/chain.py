"""Before a write: what it waits for, and what it must meet."""

from __future__ import annotations

import asyncio

from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.admission import escalation, lifecycle, noderestriction, serviceaccount
from wherry.apiserver.kind import Context, Kind
from wherry.apiserver.state.selection import select
from wherry.apiserver.state.state import State
from wherry.apiserver.user import User
from wherry.objects import Object

PATIENCE_SECONDS = 1.0
"""How long a new pod waits for its account: `default` is made a moment after its namespace."""


class Admission:
    """`ready` may wait, before the writer is entered; `admit` then decides on the newest state, without waiting.

    `accounts` is the ServiceAccount kind, None where that is not served.
    """

    def __init__(self, state: State, accounts: Kind | None, authorizer: Authorizer):
        self._state = state
        self._authorizer = authorizer
        self._accounts = accounts

    async def ready(self, kind: Kind, obj: Object) -> None:
        """Give the service account of a new pod a moment to appear."""
        name = serviceaccount.wanted(kind, obj)
        if name is None or self._accounts is None:
            return
        namespace = obj["metadata"]["namespace"]
        collection = self._state.collection(self._accounts)
        if collection.latest((namespace, name)) is not None:
            return
        selection = select(self._accounts, namespace, fields=f"metadata.name={name}")
        watch = collection.watch(selection, None)
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await watch.take()
        except TimeoutError:
            pass  # `admit` says what is missing
        finally:
            watch.end()

    def admit(self, kind: Kind, new: Object, old: Object | None, context: Context) -> None:
        """Complete `new`, in place; raises an `ApiError` when it may not be written."""
        lifecycle.admit(kind, new, old, context)
        noderestriction.admit(kind, new, old, context.user)
        escalation.admit(kind, new, old, context, self._authorizer)
        serviceaccount.admit(kind, new, old, context)

    def check_delete(self, kind: Kind, obj: Object, user: User) -> None:
        """Raise `Forbidden` when the object may not be deleted, or not by `user`."""
        lifecycle.check_delete(kind, obj["metadata"]["name"])
        noderestriction.check_delete(kind, obj, user)
