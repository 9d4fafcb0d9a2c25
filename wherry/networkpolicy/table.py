"""The edge of one family: the plan's changes go to its table in the kernel, and what is there is proven."""

from __future__ import annotations

import asyncio

from wherry.net.nfnetlink.proof import Strange, damaged, packed, strange, told
from wherry.net.nfnetlink.readback import Structure
from wherry.net.nft import NftError, Transaction
from wherry.net.tables import Kernel
from wherry.networkpolicy.layout import Layout
from wherry.networkpolicy.plan import Change, Plan


class Table:
    """One family's table. It is there while a policy selects a pod of this node with an address of the family.

    One caller at a time, but for `differences`; every method raises `NftError`.
    """

    def __init__(self, layout: Layout, kernel: Kernel):
        self.name = layout.table
        self._layout = layout
        self._kernel = kernel
        self._made: Structure = {}
        self._written: set[Strange] | None = None  # while it is proven
        self._loaded = False
        self._lock = asyncio.Lock()  # the kernel changes, and what we know of it follows: nobody looks in between

    async def load(self, plan: Plan) -> None:
        """Bring the table to the whole plan, whatever it holds: at one instant, with its rules all the while."""
        self._loaded = False
        found = await self._is_there()
        if plan.isolates(self._layout.family):
            await self._run(self._layout.load(plan.whole(), found=found))
            self._loaded = True
        elif found:
            await self._kernel.nft.run(f"delete table {self.name}\n")

    async def _is_there(self) -> bool:
        if self._kernel.can_read:  # an nft takes longer, and at a node's start there is mostly none
            return bool(self._kernel.structure(self.name))
        return await self._kernel.nft.list_table(self.name) is not None

    async def apply(self, change: Change, plan: Plan) -> None:
        """Bring it from the plan before `change` to `plan`, which is the one after it."""
        if self._loaded != plan.isolates(self._layout.family):
            await self.load(plan)
        elif self._loaded and (transaction := self._layout.change(change)):
            await self._run(transaction)

    async def cleanup(self) -> None:
        """Delete the table; no error if there is none."""
        self._loaded = False
        await self._kernel.nft.run(f"add table {self.name}\ndelete table {self.name}\n")

    async def differences(self, plan: Plan) -> list[str]:
        """Return what in the table is not as it was loaded and changed since, for people."""
        if not self._loaded or not self._kernel.can_read:
            return []
        async with self._lock:
            if found := damaged(self._layout.shape, self._made, self._kernel.structure(self.name)):
                return found
        return told(await self._strange(plan))

    async def _strange(self, plan: Plan) -> set[Strange]:
        """Return the elements that are not as they should be. What is written meanwhile is looked at the next time."""
        wanted, made = plan.elements(self._layout.family), self._made
        names = sorted(thing.removeprefix("set ") for thing in made if not thing.startswith(("chain ", "set __")))
        written = self._written = set[Strange]()
        found: set[Strange] = set()
        try:
            for name, of in self._layout.types(names).items():
                there = await self._kernel.elements(self.name, name)
                found |= await asyncio.to_thread(strange, name, of, wanted.get(name, {}), there)
        except NftError:
            if self._made is made:
                raise
        finally:
            self._written = None
        return found - written if self._made is made else set()

    async def _run(self, transaction: Transaction) -> None:
        types = self._layout.types({*transaction.deleted, *transaction.added})
        async with self._lock:
            await self._kernel.run(transaction, types)
            if not transaction.is_of_elements:
                self._made = self._kernel.structure(self.name)
        if self._written is not None:
            for changed in (transaction.deleted, transaction.added):
                self._written |= {(name, packed(types[name], key)) for name, keys in changed.items() for key in keys}
