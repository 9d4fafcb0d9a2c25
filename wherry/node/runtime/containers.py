"""The containers of this node: their folders, their processes, the OCI runtime's commands.

run_dir/containers/ID/    the OCI bundle: config.json, rootfs/, record.json (the `Instance`), conmon's files,
                          private/ (subPaths, bound)
run_dir/runtime/          the OCI runtime's own state        run_dir/attach/   links to attach sockets
state_dir/containers/ID/  upper/ and work/ of the root file system's overlay, N/ with those of folder N of the image,
                          image (which one it runs on, so that it is not removed)
state_dir/logs/NAMESPACE_POD_UID/CONTAINER/ATTEMPT.log
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import stat
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import msgspec

from wherry.images import trees
from wherry.node import beneath, mounts
from wherry.node.images.source import Image, ImageFolder
from wherry.node.runtime import conmon
from wherry.node.runtime.conmon import CreateError, Launch
from wherry.node.runtime.instance import Instance
from wherry.node.runtime.machine import Programs
from wherry.node.runtime.spec import Overlay, Users
from wherry.objects import Object

log = logging.getLogger(__name__)

OUTPUT_LIMIT = 10 << 10


class ExecTimeoutError(Exception):
    """A command in a container took too long and was killed."""


class UpdateError(Exception):
    """The resources of a running container could not be changed; the message says why."""


class Containers:
    """Starts, signals and removes containers. File work is done in threads; records are small and on tmpfs."""

    def __init__(self, programs: Programs, run_dir: Path, state_dir: Path):
        self.programs = programs
        self.root = run_dir / "runtime"
        self._bundles = run_dir / "containers"
        self._attach = run_dir / "attach"
        self._layers = state_dir / "containers"
        self._logs = state_dir / "logs"

    def prepare(self) -> None:
        """Make the folders, and drop the layers of containers of an earlier life. Call once, before anything else."""
        for folder in (self.root, self._bundles, self._attach, self._layers, self._logs):
            folder.mkdir(parents=True, exist_ok=True)
        for layers in self._layers.iterdir():
            if not self.bundle(layers.name).exists():
                trees.discard(layers)

    def recover(self, pod_uid: str = "") -> list[Instance]:
        """Return the records an earlier agent, or one pod's earlier worker, left; the first runs first.

        Without `pod_uid` nothing may be starting yet: what has no readable record is then removed.
        """
        found = []
        for bundle in self._bundles.iterdir():
            try:
                found.append(msgspec.json.decode((bundle / "record.json").read_bytes(), type=Instance))
            except (OSError, msgspec.DecodeError) as error:
                if not pod_uid:
                    log.warning("container without a readable record removed: id=%s error=%s", bundle.name, error)
                    self.discard(bundle.name)
        return sorted((run for run in found if pod_uid in ("", run.pod_uid)), key=lambda run: run.attempt)

    def bundle(self, id: str) -> Path:
        """Return the container's folder."""
        return self._bundles / id

    def private(self, id: str) -> Path:
        """Return where what is mounted into the container is bound, out of reach of every container."""
        return self.bundle(id) / "private"

    def log_folder(self, pod: Object) -> Path:
        """Return the folder of a pod's logs."""
        meta = pod["metadata"]
        return self._logs / f"{meta['namespace']}_{meta['name']}_{meta['uid']}"

    def log_path(self, pod: Object, run: Instance) -> Path:
        """Return the file a run logs to."""
        return self.log_folder(pod) / run.container / f"{run.attempt}.log"

    def attach_socket(self, id: str) -> Path:
        """Return where conmon listens for attaching."""
        return self._attach / id[:12] / "attach"

    def save(self, run: Instance) -> None:
        """Write a run's record, whole or not at all."""
        path = self.bundle(run.id) / "record.json"
        fresh = path.with_suffix(".new")
        fresh.write_bytes(msgspec.json.encode(run))
        fresh.replace(path)

    def pid(self, id: str) -> int:
        """Return the pid of the container's first process; 0 when it is not known."""
        try:
            return int((self.bundle(id) / "pid").read_text())
        except (OSError, ValueError):
            return 0

    # Starting

    def overlays(self, id: str, folders: Sequence[ImageFolder]) -> list[Overlay]:
        """Return how an image's folders are shown in a container; `lay_out` makes the places for what is written."""
        places = [self._layers / id / str(number) for number in range(len(folders))]
        return [
            Overlay(one.source, one.target, place / "upper", place / "work")
            for one, place in zip(folders, places, strict=True)
        ]

    def volume(self, id: str, number: int) -> Path:
        """Return where an image's volume is shown, for a container whose root is read-only."""
        return self.private(id) / f"volume-{number}"

    def shown(self, id: str, number: int) -> Path:
        """Return where folder `number` of the image is shown, for a container that has users of its own."""
        return self.private(id) / f"folder-{number}"

    def lay_out(
        self,
        run: Instance,
        image: Image,
        overlays: Sequence[Overlay],
        volumes: Sequence[str],
        users: Users | None = None,
    ) -> None:
        """Make a run's folders and mount its root file system. Blocks: call it in a thread.

        `volumes`: folders of the image that are to be writable though its root is not; see `volume`.
        `users`: the container's own, which an image's files are shown as belonging to; see `shown`.
        """
        bundle = self.bundle(run.id)
        rootfs, upper, work = bundle / "rootfs", self._layers / run.id / "upper", self._layers / run.id / "work"
        for folder in (rootfs, upper, work, bundle / "exits"):
            folder.mkdir(parents=True, exist_ok=True)
        self.save(run)
        (self._layers / run.id / "image").write_text(image.content)
        mounts.overlay(rootfs, lower=self._layers_for(run.id, image, upper, users), upper=upper, work=work)
        for number, inside in enumerate(volumes):
            self._show_volume(run.id, number, rootfs, inside)
        for one in overlays:
            one.work.mkdir(parents=True)
            mounts.make_like(one.lower, one.upper)
        if users:
            self._show_folders(run.id, overlays, users)

    def _layers_for(self, id: str, image: Image, upper: Path, users: Users | None) -> Sequence[Path]:
        """Return the image's layers as the container's users see them, and give them what is above these."""
        if users is None:
            return image.layers
        os.chown(upper, users.first, users.first)
        mapped = [self.private(id) / f"layer-{number}" for number in range(len(image.layers))]
        for layer, place in zip(image.layers, mapped, strict=True):
            mounts.show(layer, place, users.path)
        return mapped

    def _show_folders(self, id: str, overlays: Sequence[Overlay], users: Users) -> None:
        """Mount the image's folders here: the container's root may not reach what they are made of.

        They are views of the machine's, which are overlays, and such have no idmapped mounts: what is in them is
        nobody's there, to read; the folder itself is its root's.
        """
        for number, one in enumerate(overlays):
            os.chown(one.upper, users.first, users.first)
            self.shown(id, number).mkdir(parents=True)
            mounts.overlay(self.shown(id, number), lower=[one.lower], upper=one.upper, work=one.work)

    def _show_volume(self, id: str, number: int, rootfs: Path, inside: str) -> None:
        """Show a folder of the image, copy-on-write; it is made if the image has none."""
        place, shown = self._layers / id / f"volume-{number}", self.volume(id, number)
        for folder in (place / "work", shown):
            folder.mkdir(parents=True)
        root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY)
        try:
            fd = beneath.make_folders(root, inside, 0o755, beneath.in_root)
        finally:
            os.close(root)
        try:
            lower = Path(f"/proc/self/fd/{fd}")
            mounts.make_like(lower, place / "upper")
            mounts.overlay(shown, lower=[lower], upper=place / "upper", work=place / "work")
        finally:
            os.close(fd)

    async def start(
        self, run: Instance, config: Object, log_path: Path, container: Object, owner: int | None = None
    ) -> Instance:
        """Start a run that is laid out; returns its record. Raises CreateError, with nothing left running.

        `owner`: the machine's user that it runs as, where it has users of its own.
        """
        launch = Launch(
            id=run.id,
            bundle=self.bundle(run.id),
            log=log_path,
            sockets=self._attach,
            terminal=bool(container.get("tty")),
            stdin=bool(container.get("stdin")),
            stdin_once=bool(container.get("stdinOnce")),
        )

        def write() -> None:
            (launch.bundle / "config.json").write_bytes(msgspec.json.encode(config))
            log_path.parent.mkdir(parents=True, exist_ok=True)

        await asyncio.to_thread(write)
        pid = await conmon.create(launch, self.programs.conmon, self.programs.of(run.handler), self._global())
        if owner is not None:
            _give_output(pid, owner)
        code, output = await self._runtime(run, "start")
        if code != 0:
            await self._runtime(run, "delete", "--force")
            raise CreateError(conmon.plain(output))
        started = run.but(started_at=time.time())
        self.save(started)
        return started

    # While it runs

    async def wait(self, run: Instance) -> conmon.Exit:
        """Return how the run ended, once it has. One whose conmon was killed is ended here."""
        await conmon.wait(self.bundle(run.id), run.id)
        ended = conmon.read_exit(self.bundle(run.id), time.time())
        if ended.lost:
            await self._runtime(run, "delete", "--force")
        return ended

    async def update(self, run: Instance, resources: Object) -> None:
        """Change the resources (`linux.resources` of the OCI runtime spec) of a running container.

        Raises UpdateError, OSError.
        """
        file = self.bundle(run.id) / "resources.json"
        file.write_bytes(msgspec.json.encode(resources))
        code, output = await self._runtime(run, "update", "--resources", str(file))
        if code != 0:
            raise UpdateError(conmon.plain(output))

    def signal(self, run: Instance, number: signal.Signals) -> None:
        """Send a signal to the run's first process, which its conmon still holds; one that is gone is fine."""
        fd = conmon.open_process(self.bundle(run.id), run.id)
        pid = self.pid(run.id)
        if fd is None or not pid:
            return
        os.close(fd)
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return

    async def kill(self, run: Instance) -> None:
        """Kill every process of the run, also those a shared pid namespace would leave."""
        self.signal(run, signal.SIGKILL)
        await self._runtime(run, "kill", "--all", after=["KILL"])

    async def execute(self, run: Instance, command: Sequence[str], timeout: float) -> tuple[int, str]:
        """Run a command in the container; returns (exit code, first 10 KiB of output). Raises ExecTimeoutError."""
        pid_file = self.bundle(run.id) / f"exec-{os.urandom(6).hex()}.pid"
        try:
            return await self._runtime(run, "exec", "--pid-file", str(pid_file), after=command, timeout=timeout)
        except TimeoutError:
            # Killing the runtime's exec leaves the command itself running.
            _kill_from(pid_file)
            raise ExecTimeoutError(f'command "{" ".join(command)}" timed out') from None
        finally:
            pid_file.unlink(missing_ok=True)

    # The end

    async def retire(self, run: Instance) -> None:
        """Let go of what an ended run holds but its record and its log."""
        code, output = await self._runtime(run, "delete", "--force")
        if code != 0 and "does not exist" not in output:
            log.warning("the runtime did not delete a container: id=%s error=%s", run.id, output)
        await asyncio.to_thread(self._release, run.id)

    def _release(self, id: str) -> None:
        for place in (self.bundle(id) / "rootfs", *self.private(id).glob("*")):
            mounts.unmount(place)
        (self._attach / id[:12]).unlink(missing_ok=True)
        trees.discard(self._layers / id)

    async def abort(self, run: Instance) -> None:
        """Undo a start that was cut short, wherever it had got to."""
        await asyncio.to_thread(conmon.end_start, run.id)
        await self.retire(run)
        await self.forget(run)

    async def forget(self, run: Instance) -> None:
        """Remove an ended run's folder. Its log stays until the pod goes."""
        await asyncio.to_thread(self.discard, run.id)

    def discard(self, id: str) -> None:
        """Remove a folder, whatever is in it. Blocks."""
        self._release(id)
        mounts.remove_tree(self.bundle(id))

    # The runtime's commands

    def _global(self) -> list[str]:
        return ["--root", str(self.root)]

    async def _runtime(
        self, run: Instance, *words: str, after: Sequence[str] = (), timeout: float | None = None
    ) -> tuple[int, str]:
        """Run a command of the runtime on its container: `words` before its id, `after` behind it."""
        process = await asyncio.create_subprocess_exec(
            str(self.programs.of(run.handler)),
            *self._global(),
            *words,
            run.id,
            *after,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        try:
            async with asyncio.timeout(timeout):
                output = await _read_some(process)
                code = await process.wait()
        except (TimeoutError, asyncio.CancelledError):
            if process.returncode is None:
                process.kill()
                await process.wait()
            raise
        return code, output.decode(errors="replace").strip()


async def _read_some(process: asyncio.subprocess.Process) -> bytes:
    """Read all of the output, keeping the first `OUTPUT_LIMIT` bytes."""
    assert process.stdout is not None
    kept = b""
    while chunk := await process.stdout.read(OUTPUT_LIMIT):
        kept = (kept + chunk)[:OUTPUT_LIMIT]
    return kept


def _give_output(pid: int, owner: int) -> None:
    """Let a process that has not begun open what it writes to, as /dev/stderr: its runtime could not give it that."""
    for number in (1, 2):
        file = f"/proc/{pid}/fd/{number}"
        with suppress(OSError):  # it has ended
            if stat.S_ISFIFO(os.stat(file).st_mode):
                os.chown(file, owner, owner)


def _kill_from(pid_file: Path) -> None:
    try:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
    except (OSError, ValueError):
        return
