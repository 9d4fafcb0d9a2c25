"""What an event makes of a pod's state. Pure: (state, event) -> state; nothing else changes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TypeVar

from wherry.node.pods.plan.actions import MountVolumes, RefreshVolumes, Resize, SetUp
from wherry.node.pods.plan.events import (
    Allocated,
    Began,
    Cleaned,
    Event,
    Failed,
    Finished,
    Gone,
    HealthChanged,
    Postponed,
    Progressed,
    ReferenceChanged,
    Resized,
    RunBegan,
    RunChanged,
    RunForgotten,
    SandboxReady,
    Told,
    VolumesReady,
    Withdrawn,
)
from wherry.node.pods.plan.failures import MISCONFIGURED
from wherry.node.pods.plan.state import State
from wherry.node.runtime.instance import Instance

KEPT_RUNS = 2
VOLUME_KEYS = (MountVolumes.key, RefreshVolumes.key)

V = TypeVar("V")


def update(state: State, event: Event) -> State:
    """Return the state after `event`."""
    match event:
        case Began():
            return _began(state, event)
        case Finished(action, outcome):
            done = replace(state, busy=state.busy - {action.key}, failures=_without(state.failures, action.key))
            return done if outcome is None else update(done, outcome)
        case Failed(key, failure):
            # A content that could not be brought up to date is still due, after the pause.
            due = 0.0 if key == RefreshVolumes.key else state.volumes_due
            return replace(state, failures={**state.failures, key: failure}, volumes_due=due)
        case VolumesReady(places, renew_at):
            # Not None: what the volumes are made of has changed while they were written.
            due = renew_at if state.volumes_due is None else state.volumes_due
            return replace(state, places=places, volumes_due=due)
        case SandboxReady(sandbox):
            return replace(state, sandbox=sandbox)
        case Allocated(resources, progress):
            failures = _without(state.failures, Resize.key)
            changed = replace(state, allocated=resources, pending=None, progress=progress, failures=failures)
            return _look_again(changed)  # the downward API shows them
        case Postponed(pending):
            return replace(state, pending=pending)
        case Progressed(progress):
            return replace(state, progress=progress)
        case Resized():
            return _resized(state, event)
        case RunBegan(run):
            return _with_runs(state, run.container, _kept((*state.runs.get(run.container, ()), run)))
        case RunChanged(run, changes):
            runs = state.runs.get(run.container, ())
            return _with_runs(state, run.container, tuple(r.but(**changes) if r.id == run.id else r for r in runs))
        case RunForgotten(run):
            runs = state.runs.get(run.container, ())
            return _with_runs(state, run.container, tuple(r for r in runs if r.id != run.id))
        case HealthChanged(run_id, None):
            return replace(state, health=_without(state.health, run_id))
        case HealthChanged(run_id, health) if health is not None:
            return replace(state, health={**state.health, run_id: health})
        case Withdrawn():
            return replace(state, withdrawn=True)
        case Cleaned():
            return replace(state, sandbox=None, places=None, volumes_due=None, cleaned=True)
        case Told(gone):
            return replace(state, told=True, gone=state.gone or gone)
        case Gone():
            return replace(state, gone=True)
        case ReferenceChanged():
            return _look_again(state)
    raise AssertionError(event)


def inherit(state: State, runs: tuple[Instance, ...]) -> State:
    """Remember runs only the API knows of; for containers that have none of their own."""
    return replace(state, runs={run.container: (run,) for run in runs} | dict(state.runs))


def _began(state: State, event: Began) -> State:
    key = event.action.key
    changed = replace(state, busy=state.busy | {key})
    if key in VOLUME_KEYS:
        return replace(changed, volumes_due=None, cleaned=False)
    return replace(changed, cleaned=False) if key == SetUp.key else changed


def _resized(state: State, event: Resized) -> State:
    assert state.sandbox is not None
    runs = {
        name: tuple(run.but(resources=event.runs[run.id]) if run.id in event.runs else run for run in known)
        for name, known in state.runs.items()
    }
    changed = replace(state, sandbox=replace(state.sandbox, limits=event.limits), runs=runs)
    if event.failure is None:
        return changed
    progress = replace(state.progress, problem=event.failure.message) if state.progress else None
    return replace(changed, progress=progress, failures={**state.failures, Resize.key: event.failure})


def _look_again(state: State) -> State:
    """Look again at volumes, and at once at what waited for a ConfigMap, a Secret (an image's too) or an annotation."""
    failures = {
        key: replace(failure, retry_at=0.0)
        if failure.reason == MISCONFIGURED or failure.image or key in VOLUME_KEYS
        else failure
        for key, failure in state.failures.items()
    }
    return replace(state, failures=failures, volumes_due=0.0)


def _kept(runs: tuple[Instance, ...]) -> tuple[Instance, ...]:
    """Drop the old runs that have left nothing here; the others are forgotten by an action."""
    return (*(run for run in runs[:-KEPT_RUNS] if not run.inherited), *runs[-KEPT_RUNS:])


def _with_runs(state: State, container: str, runs: tuple[Instance, ...]) -> State:
    return replace(state, runs={**state.runs, container: runs})


def _without(entries: Mapping[str, V], key: str) -> Mapping[str, V]:
    return {k: v for k, v in entries.items() if k != key} if key in entries else entries
