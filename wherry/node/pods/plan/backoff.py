"""How long to wait before starting a container or asking for an image again. Pure.

Source: kubernetes pkg/kubelet/kubelet.go (MaxCrashLoopBackOff, 10 s doubling to 5 min, forgotten after ten minutes) and
client-go util/flowcontrol/backoff.go.
"""

from __future__ import annotations

from wherry.node.runtime.instance import Instance

FIRST_SECONDS = 10.0
LONGEST_SECONDS = 300.0
FORGOTTEN_SECONDS = 2 * LONGEST_SECONDS


def following(previous: float) -> float:
    """Return the pause after one more failure; `previous` is the last pause, 0 for none."""
    return min(previous * 2, LONGEST_SECONDS) if previous else FIRST_SECONDS


def after_run(previous: float | None, ran_for: float) -> float:
    """Return the pause after a run of `ran_for` seconds that came after a pause of `previous` (None: the first run).

    The first run's end, and the end of a long one, are followed by a restart at once.
    """
    if previous is None or ran_for > FORGOTTEN_SECONDS:
        return 0.0
    return following(previous)


def text(seconds: float) -> str:
    """Return the pause as Go prints a duration of whole seconds (`10s`, `2m40s`, `5m0s`)."""
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def pause_after(run: Instance, previous: Instance | None, ended_at: float) -> float:
    """Return the pause that follows a run that ended at `ended_at`; one of another image is the first of its kind."""
    new = previous is None or previous.inherited or previous.image != run.image
    before = None if new or previous is None else previous.backoff
    return after_run(before, ended_at - run.started_at)
