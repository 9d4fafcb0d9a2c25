"""What keeps a cluster from being ready, told by who knows: a component, a pod's last event, its last log line.

Asked for only when somebody has waited for a while (`wherry up`) or asks (`wherry status`): it costs a few requests.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, NamedTuple

from wherry.cluster import apihealth, reports
from wherry.cluster.paths import Paths
from wherry.cluster.readiness import Waiting
from wherry.objects import Object
from wherry.objects.errors import ApiError
from wherry.objects.meaning import pods
from wherry.objects.resource import EVENTS, PODS

if TYPE_CHECKING:
    from wherry.client.http import HttpClient

CRASH_LOOP = "CrashLoopBackOff"
SHOWN = 300
"""How much of one reason is shown, in characters."""


class Obstacle(NamedTuple):
    """A sentence, and the workload it keeps from being ready; "" is all of them."""

    told: str
    workload: str = ""

    def __str__(self) -> str:
        return self.told


async def find(client: HttpClient, paths: Paths, init: int | None, waiting: Iterable[Waiting]) -> list[Obstacle]:
    """Return each obstacle that can be told; none when nothing is known to be wrong."""
    return [*of_components(init), *await of_objects(client, paths, waiting)]


def standing(found: Iterable[Obstacle], waiting: Iterable[Waiting]) -> list[Obstacle]:
    """Return those of the obstacles that keep something which is still waited for."""
    about = {"", *(entry.name for entry in waiting)}
    return [obstacle for obstacle in found if obstacle.workload in about]


def of_components(init: int | None) -> list[Obstacle]:
    """Return which components of the init do not run as they should."""
    reported = reports.read(init) if init else ()
    return [Obstacle(f"{r.component} ended {r.failures} time(s) in a row: {r.reason}") for r in reported]


async def of_objects(client: HttpClient, paths: Paths, waiting: Iterable[Waiting]) -> list[Obstacle]:
    """Return what the API server says of itself, or else of the workloads that are waited for."""
    if problem := await apihealth.problem(paths):
        return [Obstacle(f"the API server is not ready: {problem}")]
    name = paths.data.name
    workloads = [entry for entry in waiting if entry.namespace]
    told = [(await _of_workload(client, entry, name), entry.name) for entry in workloads]
    return [Obstacle(*one) for one in told if one[0]]


async def _of_workload(client: HttpClient, entry: Waiting, cluster: str) -> str:
    """Return what is known of a workload's pods, or of their absence; "" for nothing."""
    if not entry.exists:
        return f"{entry.name} was deleted: `wherry up --name {cluster}` puts it back"
    line = ""
    try:
        events = (await client.list(EVENTS, entry.namespace)).items
        unready = [p for p in (await client.list(PODS, entry.namespace)).items if _is_of(p, entry.name)]
        unready = [p for p in unready if not pods.is_ready(p)]
        said = [of_pod(pod, events) for pod in unready[:1]] or [last_warning(events, entry.name)]
        if unready:
            line = await _last_log_line(client, unready[0])
    except (ApiError, TimeoutError) as error:
        said = [str(error) or "the API server does not answer"]
    told = "; ".join(text for text in (*said, f"its last log line: {line}" if line else "") if text)
    return f"{entry.name}: {told}" if told else ""


def _is_of(obj: Object, workload: str) -> bool:
    """Tell whether an object was made, directly or not, for a workload: it is called after it."""
    return str(obj["metadata"]["name"]).startswith(f"{workload}-")


def of_pod(pod: Object, events: Sequence[Object]) -> str:
    """Return what a pod waits for: what its containers say, and the last warning about it."""
    name = pod["metadata"]["name"]
    said = _of_containers(pod)
    warning = last_warning(events, name)
    if not said or not warning.endswith(said[-1].rpartition(": ")[2]):  # events repeat what a status says
        said.append(warning)
    return f"pod {name}: {'; '.join(text for text in said if text) or 'not ready yet'}"


def _of_containers(pod: Object) -> list[str]:
    """Return why containers do not run: what they wait for, or how they last ended."""
    status = pod.get("status", {})
    found = []
    for one in [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]:
        state, last = one.get("state") or {}, one.get("lastState") or {}
        waits = state.get("waiting") or {}
        ended = state.get("terminated") or last.get("terminated") or {}
        if waits.get("reason") not in (None, "ContainerCreating", "PodInitializing"):
            message = waits.get("message") if waits["reason"] != CRASH_LOOP else ""  # it only says how long
            found.append(f"{waits['reason']}{_after(message)}")
        if ended.get("exitCode"):
            found.append(f"ended with exit code {ended['exitCode']}{_after(ended.get('message'))}")
    return found


def _after(message: str | None) -> str:
    return f": {_short(message)}" if message else ""


def last_warning(events: Iterable[Object], name: str) -> str:
    """Return the newest warning about the object called `name`, or one called after it; "" for none."""
    about = [
        event
        for event in events
        if event.get("type") == "Warning" and f"{event['involvedObject'].get('name')}-".startswith(f"{name}-")
    ]
    if not about:
        return ""
    newest = max(about, key=lambda event: event.get("lastTimestamp") or event.get("eventTime") or "")
    return f"{newest.get('reason')}: {_short(newest.get('message') or '')}"


async def _last_log_line(client: HttpClient, pod: Object) -> str:
    """Return the last line of a pod's first container, of its last run when this one has said nothing; "" for none."""
    meta = pod["metadata"]
    path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log"
    for previous in ("false", "true"):
        try:
            text = str(await client.request("GET", path, params={"tailLines": "1", "previous": previous}))
        except (ApiError, TimeoutError):
            continue
        if text.strip():
            return _short(text)
    return ""


def _short(text: str) -> str:
    """Return a text in one line, and no more of it than can be taken in."""
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"
