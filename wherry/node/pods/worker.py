"""One pod's worker: observes, asks `plan` what to do, does it, tells the API, waits for the next change.

Actions run as tasks beside each other; what they change wakes the worker, which plans anew. Nothing that matters is in
memory only: after the agent was killed, the next worker finds sandbox, records and processes, and goes on.
"""

from __future__ import annotations

import asyncio
import logging
import shutil
import signal
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from wherry.net.links import LinkError
from wherry.node.images.source import Image, PullError
from wherry.node.network.addresses import NoAddressLeftError
from wherry.node.pods import backoff, ending, hooks, references, starter, state, status, unsupported
from wherry.node.pods.env import ConfigError
from wherry.node.pods.plan import (
    Action,
    CleanUp,
    Finish,
    Kill,
    MountVolumes,
    Plan,
    PostStart,
    RefreshVolumes,
    SetUp,
    Start,
    Stop,
    pause_after,
    plan,
)
from wherry.node.pods.runs import Runs
from wherry.node.pods.services import NodeServices
from wherry.node.pods.state import Observed, Sandbox, Waiting
from wherry.node.pods.statuswriter import StatusWriter
from wherry.node.probes.check import CheckError, Target
from wherry.node.probes.watcher import Watcher
from wherry.node.runtime.conmon import CreateError
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.security import UserError
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object, metadata, timestamps
from wherry.objects.errors import ApiError, Conflict, NotFound
from wherry.objects.resource import PODS

log = logging.getLogger(__name__)

CONFIG_RETRY_SECONDS = 10.0
REFRESH_RETRY_SECONDS = 30.0
FIRST_RETRY_SECONDS = 0.5
LONGEST_RETRY_SECONDS = 60.0
PULL_ERROR_SHOWN_SECONDS = 1.0
START_ERROR_CODE = 128  # as containerd tells a container whose program could not be started

MISCONFIGURED = "CreateContainerConfigError"
ERRORS = (ApiError, VolumeError, LinkError, NoAddressLeftError, OSError)


class PodWorker:
    """Brings one pod up, keeps it, takes it down. `run` ends when nothing of the pod is left to do on this node."""

    def __init__(self, node: NodeServices, pod: Object, found: Iterable[Instance] = ()):
        self.pod = pod
        self.uid: str = pod["metadata"]["uid"]
        self.runs = Runs(node.containers, found)
        self._node = node
        self._gone = False
        self._told = False
        self._wake = asyncio.Event()
        self._busy: set[str] = set()
        self._failed: dict[str, Waiting] = {}
        self._places: dict[str, Path] | None = None
        self._volumes_due: float | None = None
        self._watchers: dict[str, tuple[Watcher, asyncio.Task[None]]] = {}
        self._refused = "; ".join(unsupported.refusals(pod))
        self._status = StatusWriter(node.client, pod)
        self._tasks = asyncio.TaskGroup()
        began = (pod.get("status") or {}).get("startTime")
        self._started_at = timestamps.parse(began) if began else time.time()
        self.sandbox: Sandbox | None = node.sandboxes.find(self.uid)
        self._cleaned = not node.sandboxes.folder(self.uid).exists()

    def update(self, pod: Object | None) -> None:
        """Tell the worker of a new version of its pod, or that the API has it no more."""
        if pod is None:
            self._gone = True
        else:
            if any(pod["metadata"].get(k) != self.pod["metadata"].get(k) for k in ("labels", "annotations")):
                self._volumes_due = 0.0  # the downward API shows them
            self.pod = pod
        self._wake.set()

    def current_pod(self) -> Object:
        """Return the pod with the newest status, written or not."""
        return self._status.basis(self.pod)

    async def run(self) -> None:
        """Work until the pod is gone and cleaned up; cancelled, leave everything as it is for the next agent."""
        async with self._tasks:
            writer = self._tasks.create_task(self._status.run())
            self._take_over()
            self._complain()
            while not (self._gone and self._cleaned and not self._busy):
                self._wake.clear()
                result = self._step()
                await self._sleep_until(result.wake_at)
            self._node.objects.release(self.uid)
            await self._forget()
            writer.cancel()

    async def _forget(self) -> None:
        """Remove the last of the pod: the records of its runs, its logs."""
        for run in self.runs:
            if not run.inherited:
                await self._node.containers.forget(run)
        folder = self._node.containers.log_folder(self.pod)
        await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    def _take_over(self) -> None:
        """Go on with what an earlier agent has left, or with what the API remembers of an earlier life of the node."""
        for container in state.everyone(self.pod):
            self.runs.inherit(status.inherited(self.pod, container, time.time()))
        for run in self.runs:
            if run.running:
                self._follow(run)

    def _complain(self) -> None:
        for text in unsupported.warnings(self.pod):
            self._event("Warning", "Unsupported", text)
        if self._refused and not state.is_finished(self.pod):
            self._event("Warning", "FailedValidation", f"Error: {self._refused}")

    def _step(self) -> Plan:
        """Plan, launch, tell."""
        now = time.time()
        pod = self._status.basis(self.pod)
        result = plan(pod, self._observe(), now)
        for action in result.actions:
            self._launch(action)
        if not self._gone:
            node = self._node
            runtime = node.containers.programs.name
            self._status.offer(status.build(pod, self._observe(), now, host_ip=node.address, runtime=runtime))
        return result

    async def _sleep_until(self, at: float | None) -> None:
        try:
            async with asyncio.timeout(None if at is None else max(0.0, at - time.time())):
                await self._wake.wait()
        except TimeoutError:
            return

    def _observe(self) -> Observed:
        return Observed(
            sandbox=self.sandbox,
            volumes=self._places is not None,
            volumes_due=self._volumes_due,
            instances=self.runs.snapshot(),
            busy=frozenset(self._busy),
            failed=dict(self._failed),
            health={id: watcher.health for id, (watcher, _) in self._watchers.items()},
            started_at=self._started_at,
            gone=self._gone,
            told=self._told,
            refused=self._refused,
            cleaned=self._cleaned,
        )

    # Performing

    def _launch(self, action: Action) -> None:
        self._busy.add(action.key)
        self._tasks.create_task(self._perform(action))

    async def _perform(self, action: Action) -> None:
        try:
            await self._do(action)
        except ERRORS as error:
            self._fail(action.key, error)
        else:
            if not isinstance(action, Start):
                self._failed.pop(action.key, None)
        finally:
            self._busy.discard(action.key)
            self._wake.set()

    async def _do(self, action: Action) -> None:
        match action:
            case MountVolumes() | RefreshVolumes():
                await self._sync_volumes()
            case SetUp():
                self._cleaned = False
                self.sandbox = await asyncio.to_thread(self._node.sandboxes.set_up, self.pod)
            case Start():
                await self._start(action)
            case PostStart():
                await self._post_start(action)
            case Stop():
                await self._stop(action)
            case Kill():
                await self._kill(action)
            case CleanUp():
                await self._clean_up()
            case Finish():
                await self._finish()

    def _fail(self, key: str, error: Exception) -> None:
        """Remember a failure of something that is tried again with growing pauses."""
        before = self._failed.get(key)
        pause = min(before.pause * 2, LONGEST_RETRY_SECONDS) if before else FIRST_RETRY_SECONDS
        if key == RefreshVolumes.key:
            self._volumes_due = time.time() + REFRESH_RETRY_SECONDS
        self._failed[key] = Waiting("ContainerCreating", str(error), time.time() + pause, pause)
        log.info("pod action failed: pod=%s action=%s error=%s", self._name, key, error)
        if isinstance(error, VolumeError):
            self._event("Warning", "FailedMount", str(error))
        elif key == SetUp.key:
            self._event("Warning", "FailedCreatePodSandBox", f"Failed to create pod sandbox: {error}")
        elif key == CleanUp.key:
            self._event("Warning", "FailedKillPod", f"error killing pod: {error}")

    async def _sync_volumes(self) -> None:
        meta, node = self.pod["metadata"], self._node
        self._cleaned = False
        await node.objects.hold(meta["namespace"], self.uid, references.of_pod(self.pod), self._reference_changed)
        self._volumes_due = None
        ip = self.sandbox.ip if self.sandbox else ""
        synced = await node.volumes.sync(
            self.pod,
            lambda kind, name: node.objects.get(meta["namespace"], kind, name),
            ip,
            node.allocatable,
            time.time,
        )
        self._places = synced.places
        if synced.renew_at is not None and self._volumes_due is None:
            self._volumes_due = synced.renew_at

    def _reference_changed(self) -> None:
        """Look again at volumes, and at once at what waited for a ConfigMap or Secret."""
        self._volumes_due = 0.0
        for key, failure in list(self._failed.items()):
            if failure.reason == MISCONFIGURED or key == MountVolumes.key:
                self._failed[key] = replace(failure, retry_at=0.0)
        self._wake.set()

    # Starting

    async def _start(self, action: Start) -> None:
        container = self._container(action.container)
        image = await self._pull(container)
        if image is None:
            return
        assert self.sandbox is not None
        assert self._places is not None
        try:
            prepared = await asyncio.to_thread(
                starter.prepare, self._node, self.pod, container, action.attempt, image, self.sandbox.ip, self._places
            )
        except (ConfigError, UserError, VolumeError) as error:
            self._misconfigured(container, str(error))
            return
        try:
            started = await starter.start(self._node, self.pod, prepared)
        except CreateError as error:
            await self._not_startable(prepared.run, container, str(error))
            return
        self._failed.pop(action.key, None)
        self._event("Normal", "Created", f"Created container: {action.container}", container)
        self._event("Normal", "Started", f"Started container {action.container}", container)
        await self._add(started)
        self._follow(started)

    async def _add(self, run: Instance) -> None:
        for old in self.runs.add(run):
            await self._node.containers.forget(old)
            self._node.containers.log_path(self.pod, old).unlink(missing_ok=True)

    async def _pull(self, container: Object) -> Image | None:
        """Return the image; None when it cannot be had, which is then what the container waits for."""
        name, reference = container["name"], container["image"]
        try:
            image = await self._node.images.pull(reference, container.get("imagePullPolicy") or "IfNotPresent")
        except PullError as error:
            before = self._failed.get(name)
            pause = backoff.following(before.pause if before and "Image" in before.reason else 0.0)
            self._failed[name] = Waiting(error.reason, error.message, time.time() + pause, pause)
            self._event("Warning", "Failed", f'Failed to pull image "{reference}": {error.message}', container)
            self._event("Warning", "Failed", f"Error: {error.reason}", container)
            if error.reason == "ErrImagePull":
                loop = asyncio.get_running_loop()
                loop.call_later(PULL_ERROR_SHOWN_SECONDS, self._show_pull_backoff, container)
            return None
        self._event("Normal", "Pulled", f'Container image "{reference}" already present on machine', container)
        return image

    def _show_pull_backoff(self, container: Object) -> None:
        """Go over from ErrImagePull, the failure, to ImagePullBackOff, the wait, as upstream does on its next sync."""
        failure = self._failed.get(container["name"])
        if failure is None or failure.reason != "ErrImagePull":
            return
        text = f'Back-off pulling image "{container["image"]}"'
        message = f"{text}: ErrImagePull: {failure.message}"
        self._failed[container["name"]] = replace(failure, reason="ImagePullBackOff", message=message)
        self._event("Normal", "BackOff", text, container)
        self._event("Warning", "Failed", "Error: ImagePullBackOff", container)
        self._wake.set()

    def _misconfigured(self, container: Object, message: str) -> None:
        now = time.time()
        self._failed[container["name"]] = Waiting(MISCONFIGURED, message, now + CONFIG_RETRY_SECONDS)
        self._event("Warning", "Failed", f"Error: {message}", container)

    async def _not_startable(self, run: Instance, container: Object, message: str) -> None:
        """Count a run whose program could not be started as one that has ended, so that it backs off like any other."""
        now = time.time()
        end = {"started_at": now, "finished_at": now, "exit_code": START_ERROR_CODE, "reason": "StartError"}
        pause = pause_after(run.but(started_at=now), self.runs.latest(run.container), now)
        failed = run.but(**end, message=message, backoff=pause)
        self._node.containers.save(failed)
        await self._add(failed)
        self._event("Warning", "Failed", f"Error: {message}", container)
        await self._node.containers.retire(failed)

    # While it runs

    def _follow(self, run: Instance) -> None:
        """Probe a running container and wait for its end."""
        container = self._container(run.container)
        if Watcher.needed(container):
            watcher = Watcher(
                container,
                self._target(run, container),
                run.started_at,
                self._wake.set,
                lambda text: self._event("Warning", "Unhealthy", text, container),
                ready_before=self._was_ready(run),
            )
            self._watchers[run.id] = (watcher, self._tasks.create_task(watcher.run()))
        self._tasks.create_task(self._await_end(run))

    def _was_ready(self, run: Instance) -> bool:
        known = self.pod.get("status") or {}
        every = [*(known.get("initContainerStatuses") or ()), *(known.get("containerStatuses") or ())]
        return any(s["ready"] and s.get("containerID", "").endswith(run.id) for s in every)

    def _target(self, run: Instance, container: Object) -> Target:
        async def execute(command: Sequence[str], timeout: float) -> tuple[int, str]:
            return await self._node.containers.execute(run.id, command, timeout)

        return Target(container, self.sandbox.ip if self.sandbox else "", self._node.session, execute)

    async def _await_end(self, run: Instance) -> None:
        node = self._node
        end = await node.containers.wait(run)
        watched = self._watchers.pop(run.id, None)
        if watched is not None:
            watched[1].cancel()
        container = self._container(run.container)
        bundle, log_path = node.containers.bundle(run.id), node.containers.log_path(self.pod, run)
        key = f"{run.container}/retire"
        self._busy.add(key)
        text = await asyncio.to_thread(ending.message, container, end.code, bundle, log_path)
        run = self.runs.get(run)
        run = self.runs.change(run, **ending.changes(end, run, self.runs.before(run), text))
        self._wake.set()
        log.info("container ended: pod=%s container=%s code=%d", self._name, run.container, end.code)
        if run.backoff and state.needs_run(self.pod, container, run) and not run.stopping_at:
            who = f"{run.container} in pod {self._name}({self.uid})"
            self._event("Warning", "BackOff", f"Back-off restarting failed container {who}", container)
        try:
            await node.containers.retire(run)
        finally:
            self._busy.discard(key)
            self._wake.set()

    async def _post_start(self, action: PostStart) -> None:
        run, container = self._running(action.container)
        if run is None:
            return
        try:
            await hooks.run(container["lifecycle"]["postStart"], self._target(run, container))
        except CheckError as error:
            self._event("Warning", "FailedPostStartHook", f"PostStartHook failed: {error}", container)
            self.runs.change(run, hook="failed")
        else:
            self.runs.change(run, hook="done")

    async def _stop(self, action: Stop) -> None:
        run, container = self._running(action.container)
        if run is None:
            return
        if not run.stopping_at:
            run = self.runs.change(run, stopping_at=time.time(), stopping_grace=action.grace)
            if run.id in self._watchers:
                self._watchers[run.id][0].ending()
            self._event("Normal", "Killing", action.why, container)
        left = run.stopping_at + action.grace - time.time()
        handler = (container.get("lifecycle") or {}).get("preStop")
        if handler and left > 0:
            try:
                await hooks.run(handler, self._target(run, container), left)
            except CheckError as error:
                self._event("Warning", "FailedPreStopHook", f"PreStopHook failed: {error}", container)
        if action.grace > 0:
            self._node.containers.signal(run, _signal(run.stop_signal))
        self.runs.change(run, signalled_at=time.time())

    async def _kill(self, action: Kill) -> None:
        run, _ = self._running(action.container)
        if run is not None:
            await self._node.containers.kill(self.runs.change(run, killed_at=time.time()))

    # The end

    async def _clean_up(self) -> None:
        self._node.objects.release(self.uid)
        await self._node.volumes.tear_down(self.uid)
        await asyncio.to_thread(self._node.sandboxes.tear_down, self.pod)
        self.sandbox, self._places, self._volumes_due = None, None, None
        self._cleaned = True

    async def _finish(self) -> None:
        await self._status.flush()
        meta = self.pod["metadata"]
        try:
            await self._node.client.delete(PODS, meta["name"], meta["namespace"], grace_period_seconds=0, uid=self.uid)
        except (NotFound, Conflict):
            self._gone = True
        self._told = True

    # Helpers

    @property
    def _name(self) -> str:
        namespace, name = metadata.key(self.pod)
        return f"{name}_{namespace}"

    def _container(self, name: str) -> Object:
        return next(c for c in state.everyone(self.pod) if c["name"] == name)

    def _running(self, name: str) -> tuple[Instance | None, Object]:
        run = self.runs.latest(name)
        return (run if run is not None and run.running else None), self._container(name)

    def _event(self, kind: str, reason: str, message: str, container: Object | None = None) -> None:
        path = ""
        if container is not None:
            kind_of = "initContainers" if container in state.init_containers(self.pod) else "containers"
            path = f"spec.{kind_of}{{{container['name']}}}"
        self._node.events.event(
            PODS, self.pod, "Warning" if kind == "Warning" else "Normal", reason, message, field_path=path
        )


def _signal(name: str) -> signal.Signals:
    """Return a stop signal by name or number; one that is not known here is SIGTERM."""
    try:
        return signal.Signals(int(name)) if name.isdigit() else signal.Signals[name]
    except (KeyError, ValueError):
        return signal.SIGTERM
