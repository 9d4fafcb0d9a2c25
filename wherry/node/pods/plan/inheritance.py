"""What the API remembers of a container's runs in an earlier life of the node. Pure."""

from __future__ import annotations

from wherry.node.pods.plan.containers import container_status
from wherry.node.runtime.instance import LOST_EXIT_CODE, LOST_REASON, Instance
from wherry.objects import Object, timestamps


def runs(pod: Object, container: Object, now: float) -> tuple[Instance, ...]:
    """Return the runs of a container that only the API remembers: those of an earlier life of the node.

    One that ran then is lost, exit code 255, reason Unknown (as containerd tells it after the machine has restarted);
    when it ended nobody knows, so it is told as now.
    """
    status = container_status(pod, container["name"])
    if not status.get("containerID"):
        return ()
    current, last = status.get("state") or {}, status.get("lastState") or {}
    told = current.get("terminated") or last.get("terminated") if "running" not in current else None
    began = (current.get("running") or told or {}).get("startedAt")
    handler, _, id = status["containerID"].partition("://")
    run = Instance(
        id=id,
        handler=handler,
        pod_uid=pod["metadata"]["uid"],
        container=container["name"],
        attempt=int(status.get("restartCount") or 0),
        image=status.get("image") or container["image"],
        image_id=status.get("imageID") or "",
        started_at=timestamps.parse(began) if began else 0.0,
        inherited=True,
    )
    if told is None:
        return (run.but(finished_at=now, exit_code=LOST_EXIT_CODE, reason=LOST_REASON),)
    ended = timestamps.parse(told["finishedAt"]) if told.get("finishedAt") else now
    return (
        run.but(
            finished_at=ended,
            exit_code=int(told["exitCode"]),
            reason=told.get("reason") or "",
            message=told.get("message") or "",
        ),
    )
