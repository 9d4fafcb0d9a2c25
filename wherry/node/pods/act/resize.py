"""Giving a running pod what is allocated to it: its control group and those of its containers."""

from __future__ import annotations

import asyncio
import time

from wherry.node.pods.act.node import NodeServices
from wherry.node.pods.act.telling import tell
from wherry.node.pods.plan import failures
from wherry.node.pods.plan import resize as plan
from wherry.node.pods.plan.actions import Resize
from wherry.node.pods.plan.events import Resized
from wherry.node.pods.plan.state import State
from wherry.node.pods.status import resizes
from wherry.node.runtime import spec
from wherry.node.runtime.containers import UpdateError
from wherry.node.stats import usage
from wherry.objects import Object


async def resize(node: NodeServices, pod: Object, state: State) -> Resized | None:
    """Do what is left to do; what could be done is told, also where the rest has to be tried again."""
    todo = plan.steps(pod, state)
    if todo is None or state.sandbox is None:
        return None
    limits, applied, problem = state.sandbox.limits, dict[str, Object](), ""
    try:
        if problem := await asyncio.to_thread(_too_much, node, pod, state, todo):
            raise UpdateError(problem)
        if todo.before != limits:
            await asyncio.to_thread(node.sandboxes.limit, pod, todo.before)
            limits = todo.before
        for run, container in todo.updates:
            if wanted := spec.limits(container, node.machine(run.handler)):
                await node.containers.update(run, wanted)
            applied[run.id] = container.get("resources") or {}
        if todo.after != limits:
            await asyncio.to_thread(node.sandboxes.limit, pod, todo.after)
            limits = todo.after
    except (UpdateError, OSError) as error:
        problem = str(error)
    if not problem:
        return Resized(limits, applied)
    if state.progress is None or state.progress.problem != problem:
        generation = state.progress.generation if state.progress else int(pod["metadata"].get("generation") or 0)
        text = resizes.message("Pod resize error", pod, generation, problem)
        tell(node.events, pod, "Warning", "ResizeError", text)
    return Resized(limits, applied, failures.again(state.failures.get(Resize.key), problem, time.time()))


def _too_much(node: NodeServices, pod: Object, state: State, todo: plan.Steps) -> str:
    """Return why memory cannot shrink yet, or "". Blocks."""
    group = node.sandboxes.cgroup(pod["metadata"]["uid"])
    whole = usage(group)
    each = {run.container: used.memory for run, _ in todo.updates if (used := usage(f"{group}/{run.id}"))}
    return plan.too_much(pod, state, todo.after, whole.memory if whole else None, each)
