"""Commands in a container of a real OCI runtime."""

import asyncio
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from wherry.node.runtime.interface import ContainerHandle
from wherry.node.streaming.command import Command, ExecError
from wherry.node.streaming.session import TerminalSize

pytestmark = pytest.mark.kernel

NAMESPACES = ("pid", "mount", "ipc", "uts")


@pytest.fixture(scope="module", params=["runc", "crun"])
def container(request, tmp_path_factory):
    """A container that sleeps, with this machine's own files as its root."""
    binary = shutil.which(request.param)
    if os.geteuid() != 0 or binary is None:
        pytest.skip(f"needs root and {request.param}")
    folder = tmp_path_factory.mktemp("oci")
    if request.param == "crun":
        binary = unified(binary, folder)
    bundle, rootfs, root = folder / "bundle", folder / "bundle" / "rootfs", folder / "root"
    rootfs.mkdir(parents=True)
    subprocess.run(["mount", "--bind", "/", rootfs], check=True)
    try:
        subprocess.run([binary, "spec"], cwd=bundle, check=True)
        config = json.loads((bundle / "config.json").read_text())
        config["process"] |= {"terminal": False, "args": ["sleep", "600"], "rlimits": []}
        config["root"]["readonly"] = False
        config["linux"]["namespaces"] = [{"type": kind} for kind in NAMESPACES]
        config["linux"].pop("resources", None)
        (bundle / "config.json").write_text(json.dumps(config))
        started = subprocess.run(
            [binary, "--root", root, "run", "--detach", "--bundle", bundle, "streaming-test"],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if started.returncode:
            pytest.skip(f"{request.param} cannot run containers with this machine's control groups")
        yield handle_of(Path(binary), root, bundle)
    finally:
        subprocess.run([binary, "--root", root, "delete", "--force", "streaming-test"], check=False)
        subprocess.run(["umount", "--lazy", rootfs], check=True)


def unified(binary: str, folder: Path) -> str:
    """Return a program that runs crun where it sees cgroup v2 only: mixed with v1 it refuses to work."""
    script = folder / "crun"
    script.write_text(
        "#!/bin/sh\n"
        f'exec unshare --mount sh -c "umount -l /sys/fs/cgroup; mount -t cgroup2 none /sys/fs/cgroup;'
        f' exec {binary} --cgroup-manager=disabled \\"\\$@\\"" crun "$@"\n'
    )
    script.chmod(0o755)
    return str(script)


def handle_of(binary: Path, root: Path, bundle: Path) -> ContainerHandle:
    return ContainerHandle(
        id="streaming-test",
        namespace="demo",
        pod="web",
        container="main",
        binary=binary,
        root=root,
        bundle=bundle,
        pid=1,
        tty=False,
        stdin=False,
        log_path=bundle / "log",
        previous_log_path=None,
        attach_socket=bundle / "attach",
        network_namespace=None,
    )


async def read_all(command: Command, output: int = 0) -> bytes:
    text = b""
    while data := await command.outputs[output].read():
        text += data
    return text


async def test_outputs_and_exit_code_come_through(container):
    command = await Command.start(container, ["sh", "-c", "echo out; echo err >&2; exit 7"], stdin=False, tty=False)
    assert [await read_all(command, 0), await read_all(command, 1)] == [b"out\n", b"err\n"]
    assert await command.wait() == 7
    await command.release()


async def test_stdin_is_fed_and_closed(container):
    command = await Command.start(container, ["cat"], stdin=True, tty=False)
    reading = asyncio.create_task(read_all(command))
    text = b"0123456789abcdef" * 20_000
    await command.feed(text)
    command.feed_end()
    assert await reading == text
    assert await command.wait() == 0
    await command.release()


@pytest.mark.parametrize(("word", "code"), [("no-such-program", 127), ("/no/such", 127), ("/etc/passwd", 126)])
async def test_what_cannot_be_run_gets_the_code_a_shell_gives_it(container, word, code):
    for tty in (False, True):
        command = await Command.start(container, [word], stdin=False, tty=tty)
        with pytest.raises(ExecError, match="OCI runtime exec failed") as caught:
            await command.wait()
        assert caught.value.code == code
        await command.release()


async def test_a_terminal_is_one_and_can_be_resized(container):
    until = 'until [ "$(stty size)" = "%s" ]; do sleep 0.1; done; '
    script = "tty; " + until % "40 100" + "echo $TERM ready; read x; " + until % "$x" + "exit 3"
    command = await Command.start(container, ["bash", "-c", script], stdin=True, tty=True, size=TerminalSize(100, 40))
    seen = await read_until(command, b"ready")
    assert b"/dev/pts/" in seen
    assert b"xterm" in seen
    await command.resize(TerminalSize(120, 50))
    await command.feed(b"50 120\n")
    async with asyncio.timeout(10):
        assert await command.wait() == 3
    await command.release()


async def read_until(command: Command, text: bytes) -> bytes:
    seen = b""
    async with asyncio.timeout(10):
        while text not in seen:
            data = await command.outputs[0].read()
            assert data, f"ended after {seen!r}"
            seen += data
    return seen


SLEEPS = (f"501.{os.getpid()}", f"502.{os.getpid()}")  # ours, not another test process's


@pytest.mark.parametrize("tty", [False, True])
async def test_killing_ends_the_command_with_all_its_children(container, tty):
    script = f"sleep {SLEEPS[0]} & sleep {SLEEPS[1]}; true"
    command = await Command.start(container, ["sh", "-c", f"echo ready; {script}"], stdin=False, tty=tty)
    await read_until(command, b"ready")
    async with asyncio.timeout(5):
        while sleepers() != 2:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    await command.kill()
    await command.release()
    async with asyncio.timeout(5):
        while sleepers():  # noqa: ASYNC110
            await asyncio.sleep(0.02)


def sleepers() -> int:
    count = 0
    for cmdline in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            count += cmdline.read_bytes() in [f"sleep\0{seconds}\0".encode() for seconds in SLEEPS]
        except OSError:
            continue
    return count
