"""The running enforcement on one node: watches in, transactions out, and drift healed.

Nothing but the policies is followed while there is none. With the first one, all pods and namespaces are, and what is
told of them becomes a plan and the plan rules; with the last one, all of that goes.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Sequence

from wherry.client.interface import Client
from wherry.component.backoff import Backoff
from wherry.component.component import Component
from wherry.component.informer import Informer
from wherry.net.nft import NftError
from wherry.networkpolicy import metrics, pod, policy
from wherry.networkpolicy.expected import Expected
from wherry.networkpolicy.left_out import LeftOut
from wherry.networkpolicy.plan import Plan
from wherry.networkpolicy.rules import Rules
from wherry.objects import Object, metadata
from wherry.objects.resource import NAMESPACES, NETWORK_POLICIES, NODES, PODS

log = logging.getLogger(__name__)

FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 0.1, 10.0
PROOF_SECONDS = 30.0
"""How often the kernel is compared with the plan, as kube-proxy's `nftables.syncPeriod`."""
LEAST_REST = 50
"""Times a proof's duration that lie between two."""
REPAIR_REST_SECONDS = 0.1
"""How long a repair has before it is looked at, should another damage the rules again and again."""
TAKING_SECONDS = 0.01
"""How often what is read at the beginning is taken into the plan."""
FENCE_SECONDS = 10.0
"""How long a pod's start waits for its rules."""


class NotFencedError(OSError):
    """A pod's rules are not in the kernel, so it should not get its network yet."""


class NetworkPolicies:
    """Enforces NetworkPolicies on one node; in its network namespace, which is that of the calling thread."""

    def __init__(self, client: Client, node: str, rules: Rules | None = None):
        self.component = component = Component("networkpolicy", client)
        self._node_name = node
        self._rules = rules or Rules()
        self._plan = Plan()
        self._expected = Expected()
        self._followed: list[Informer] = []
        self._wake = asyncio.Event()
        self._suspicion = asyncio.Event()
        self._drifted: list[str] = []
        self._told = 0
        self._applied = 0
        self._progress = asyncio.Condition()
        self._left_out = LeftOut()
        self._recorder = component.recorder("networkpolicy", node)
        self._node = component.follow(NODES, fields=f"metadata.name={node}")
        self._policies = component.follow(NETWORK_POLICIES)
        self._policies.subscribe(self._policy)
        component.task("rules", self._keep)

    async def run(self) -> None:
        """Enforce until cancelled; the rules stay then."""
        await self.component.run()

    async def fence(self, of: Object, addresses: Sequence[str]) -> None:
        """Return once a pod's rules are in the kernel, before it is at these addresses; raises `NotFencedError`."""
        try:
            async with asyncio.timeout(FENCE_SECONDS):
                await self._policies.wait_synced()
                if not self._policies.items():
                    return
                self._expected.at(of, addresses)
                self._pod(None, of)  # here it may be known before it is told
                told = self._told
                async with self._progress:
                    await self._progress.wait_for(lambda: self._applied >= told)
        except TimeoutError:
            raise NotFencedError(f"the rules of NetworkPolicies were not ready within {FENCE_SECONDS:.0f} s") from None

    def unfence(self, of: Object) -> None:
        """Take note that a pod has left its addresses."""
        self._expected.gone(of["metadata"]["uid"])
        known = self._pods_known(of)
        if known is None or known["metadata"]["uid"] != of["metadata"]["uid"]:
            self._plan.pod(_of(of), None)  # nobody else will tell that it is gone
            self._queue()

    def _pods_known(self, of: Object) -> Object | None:
        return self._followed[1].get(*metadata.key(of)) if self._followed else None

    # What it does

    async def _keep(self) -> None:
        await self._policies.wait_synced()
        with self._rules.at_work(self._suspicion.set):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._follow())
                tasks.create_task(self._prove())

    async def _follow(self) -> None:
        self._end()
        await self._load()
        while True:
            await self._wake.wait()
            if self._drifted:
                await self._repair()
            elif bool(self._policies.items()) != bool(self._followed):
                await (self._begin() if self._policies.items() else self._load())
            else:
                await self._sync()

    async def _begin(self) -> None:
        """Follow what policies are about, and enforce them."""
        self._plan = Plan()
        namespaces, pods = self.component.follow(NAMESPACES), self.component.follow(PODS)
        self._followed = [namespaces, pods]
        for each in self._policies.items():
            self._policy(None, each)
        namespaces.subscribe(self._namespace)
        pods.subscribe(self._pod)
        synced = asyncio.ensure_future(self.component.synced(self._followed))
        try:
            while not synced.done():  # thousands of pods at once would keep the others of this process waiting
                self._plan.take()
                await asyncio.wait([synced], timeout=TAKING_SECONDS)
        finally:
            synced.cancel()
        await self._load()

    def _end(self) -> None:
        """Follow only the policies."""
        for informer in self._followed:
            self.component.unfollow(informer)
        self._followed = []
        self._plan = Plan()

    async def _load(self) -> None:
        """Bring the kernel to the whole plan, however often it takes."""
        backoff = Backoff(FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS)
        while True:
            self._wake.clear()
            if not self._policies.items():
                self._end()
                self._expected.clear()
            elif not self._followed:
                await self._begin()
                return
            told = self._told
            self._plan.take()
            try:
                with metrics.sync_seconds.time():
                    await self._rules.load(self._plan)
            except NftError as error:
                pause = backoff.failed()
                log.error("%s; again in %.1f s", error, pause)
                metrics.failures.inc()
                await asyncio.sleep(pause)
            else:
                log.info("rules loaded policies=%d pods=%d", self._plan.in_force, self._plan.isolated)
                await self._done(told)
                return

    async def _sync(self) -> None:
        """Apply what has gathered."""
        self._wake.clear()
        told = self._told
        if not (change := self._plan.take()):
            await self._done(told)
            return
        started = time.monotonic()
        try:
            with metrics.sync_seconds.time():
                await self._rules.apply(change, self._plan)
        except NftError as error:
            log.error("%s; loading the whole plan", error)
            metrics.failures.inc()
            await self._load()
            return
        took = time.monotonic() - started
        log.info("rules changed policies=%d took=%.4f", len(change.policies), took)
        await self._done(told)

    async def _done(self, told: int) -> None:
        metrics.in_force.set(self._plan.in_force)
        metrics.isolated.set(self._plan.isolated)
        for each, text in self._left_out.to_tell(self._plan.is_in_force):
            log.warning("%s/%s: left out: %s", *metadata.key(each), text)
            self._recorder.event(NETWORK_POLICIES, each, "Warning", "LeftOut", text)
        async with self._progress:
            self._applied = told
            self._progress.notify_all()

    async def _repair(self) -> None:
        what = ", ".join(self._drifted)
        self._drifted = []
        log.warning("not as it was left, by another's hand: %s; loading the rules again", what)
        if node := self._node.get("", self._node_name):
            text = f"Another has changed the rules of NetworkPolicies ({what}): they are loaded again"
            self._recorder.event(NODES, node, "Warning", "PoliciesRepaired", text)
        await self._load()

    async def _prove(self) -> None:
        """Look for the whole plan in the kernel once in a while, and when another may have changed what is there."""
        took = 0.0
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(PROOF_SECONDS, LEAST_REST * took)):
                    await self._suspicion.wait()
            self._suspicion.clear()
            started = time.monotonic()
            try:
                self._drifted = await self._rules.differences(self._plan)
            except NftError as error:
                self._drifted = [str(error)]
            took = time.monotonic() - started
            metrics.proofs.labels("drifted" if self._drifted else "proven").inc()
            if self._drifted:
                self._wake.set()
                await asyncio.sleep(REPAIR_REST_SECONDS)

    # What it is told

    def _policy(self, old: Object | None, new: Object | None) -> None:
        key = metadata.key(new or old or {})
        read = policy.read(new) if new is not None else None
        self._left_out.policy(key, new, read.left_out if read else ())
        if self._followed:
            self._plan.policy(key, read)
        self._queue()

    def _namespace(self, old: Object | None, new: Object | None) -> None:
        _, name = metadata.key(new or old or {})
        self._plan.namespace(name, metadata.labels(new) if new is not None else None)
        self._queue()

    def _pod(self, old: Object | None, new: Object | None) -> None:
        if old is not None and (new is None or _of(old) != _of(new)):
            self._expected.gone(old["metadata"]["uid"])
            self._plan.pod(_of(old), None)
        if new is not None:
            self._plan.pod(_of(new), pod.read(self._expected.of(new), self._node_name))
        self._queue()

    def _queue(self) -> None:
        self._told += 1
        self._wake.set()


def _of(pod: Object) -> metadata.Key:
    """Return what tells pods apart here: one may have the name of another that is not gone yet."""
    return pod["metadata"]["namespace"], pod["metadata"]["uid"]
