"""What to do next for a pod. Pure: (pod, state, now) -> actions and when to look again.

    not ended:   volumes → sandbox → init containers, one after the other → containers → keep them running
    ended (deleted, gone, past its deadline, all containers done):
                 stop the containers → stop the sidecars → clean up → tell the API

The worker performs the actions and asks again whenever something has changed, so no action is remembered here:
whatever killed the agent between two of them, the next decision goes on from what is there. Each action has a key, and
`State.busy` holds the keys of those under way.
"""

from __future__ import annotations

from collections.abc import Iterator

from wherry.node.pods.plan.actions import Action, Forget, Retire
from wherry.node.pods.plan.bringup import bring_up
from wherry.node.pods.plan.decision import Decision
from wherry.node.pods.plan.failures import standing
from wherry.node.pods.plan.lifetime import deadline, is_ending
from wherry.node.pods.plan.state import State
from wherry.node.pods.plan.update import KEPT_RUNS
from wherry.node.pods.plan.winddown import wind_down
from wherry.objects import Object


def decide(pod: Object, state: State, now: float) -> Decision:
    """Return what to do next."""
    result, state = Decision(), standing(pod, state)
    limit = deadline(pod, state)
    if is_ending(pod, state, now):
        wind_down(pod, state, now, result)
    elif not state.refused:
        if limit is not None:
            result.wake(limit)
        bring_up(pod, state, now, result)
    result.actions += _tidy(state)
    result.actions = [action for action in result.actions if _is_due(action, state, now, result)]
    return result


def _tidy(state: State) -> Iterator[Action]:
    """Yield what follows the end of runs."""
    for runs in state.runs.values():
        for run in runs:
            if run.needs_retiring:
                yield Retire(run)
        for old in runs[:-KEPT_RUNS]:
            if old.retired:
                yield Forget(old)


def _is_due(action: Action, state: State, now: float, result: Decision) -> bool:
    """Tell whether to perform `action` now: it is not under way, and its pause is over if it failed lately."""
    if action.key in state.busy:
        return False  # its end wakes the worker
    failure = state.failures.get(action.key)
    if failure is not None and failure.retry_at > now:
        result.wake(failure.retry_at)
        return False
    return True
