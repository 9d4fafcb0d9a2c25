"""How long to wait before starting a container or asking for an image again. Pure.

Source: kubernetes pkg/kubelet/kubelet.go (MaxCrashLoopBackOff, 10 s doubling to 5 min, forgotten after ten minutes) and
client-go util/flowcontrol/backoff.go. What the cluster itself stands on, critical pods, is started again as its other
components are: DNS that is killed twice in ten minutes is not to be away for ten seconds.
"""

from __future__ import annotations

import math

from wherry.component.restarts import Restarts
from wherry.node.runtime.instance import Instance
from wherry.objects import Object
from wherry.objects.meaning.pods import is_critical

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
    """Return the pause as Go prints a duration of whole seconds (`10s`, `2m40s`, `5m0s`), rounded up."""
    minutes, rest = divmod(math.ceil(seconds), 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"


def next_start(pod: Object, run: Instance, previous: Instance | None, ended_at: float) -> dict[str, float]:
    """Return the fields of a run that ended at `ended_at` which say when the next may start.

    One of another image than the previous run's is the first of its kind.
    """
    new = previous is None or previous.inherited or previous.image != run.image
    before = None if new else previous
    lasted = ended_at - run.started_at
    if is_critical(pod):
        restarts = Restarts(before.ends if before else 0.0)
        return {"backoff": restarts.ended(lasted), "ends": restarts.ends}
    return {"backoff": after_run(before.backoff if before else None, lasted)}
