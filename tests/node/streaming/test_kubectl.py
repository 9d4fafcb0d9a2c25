"""exec, logs, attach and port-forward as kubectl does them: 1.20 over SPDY, 1.37 over WebSocket."""

import asyncio
import fcntl
import os
import pty
import shutil
import signal
import struct
import sys
import termios
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from tests.node.streaming.front import ApiFront

KUBECTLS = {
    "spdy": str(Path(__file__).resolve().parents[3] / ".cache/kubectl-1.20/usr/bin/kubectl"),
    "websocket": str(Path(sys.executable).with_name("kubectl")),
}


@pytest.fixture(params=KUBECTLS)
def program(request):
    found = shutil.which(KUBECTLS[request.param])
    if found is None:
        pytest.skip(f"no kubectl that speaks {request.param}: scripts/install could not fetch it")
    return found


@pytest.fixture
async def kubectl(program, server, tmp_path):
    """Return a function that runs kubectl to its end: (code, stdout, stderr)."""
    async with ApiFront(server.port) as front:
        environ = environment(front, tmp_path)

        async def run(*words: str, stdin: bytes | None = None) -> tuple[int, bytes, bytes]:
            pipe = asyncio.subprocess.PIPE
            given = pipe if stdin is not None else asyncio.subprocess.DEVNULL
            process = await asyncio.create_subprocess_exec(
                program, *words, stdin=given, stdout=pipe, stderr=pipe, env=environ
            )
            async with asyncio.timeout(20):
                out, err = await process.communicate(stdin)
            return process.returncode, out, err

        run.program, run.environ = program, environ
        yield run


def environment(front: ApiFront, folder: Path) -> dict[str, str]:
    config = front.kubeconfig(folder / "kubeconfig")
    return {**os.environ, "KUBECONFIG": str(config), "HOME": str(folder)}


async def test_exec_carries_both_outputs_and_the_exit_code(kubectl):
    code, out, err = await kubectl("exec", "web", "--", "sh", "-c", "echo out; echo err >&2; exit 3")
    assert (code, out) == (3, b"out\n")
    assert err == b"err\ncommand terminated with exit code 3\n"


async def test_exec_that_succeeds_says_nothing_more(kubectl):
    assert await kubectl("exec", "web", "--", "echo", "hello world") == (0, b"hello world\n", b"")


async def test_exec_feeds_stdin_until_its_end(kubectl):
    text = bytes(range(256)) * 4096
    code, out, err = await kubectl("exec", "-i", "web", "--", "cat", stdin=text)
    assert (code, err) == (0, b"")
    assert out == text


async def test_exec_whose_command_does_not_read_its_stdin_ends_with_the_command(kubectl):
    code, out, _ = await kubectl("exec", "-i", "web", "--", "echo", "done", stdin=b"x" * 3_000_000)
    assert (code, out) == (0, b"done\n")


async def test_exec_of_what_is_not_there_is_127(kubectl):
    code, _, err = await kubectl("exec", "web", "--", "no-such-program")
    assert code == 127
    assert b"command terminated with exit code 127" in err


async def test_exec_in_a_container_that_does_not_run_is_refused(kubectl, runtime):
    runtime.pid = 0
    code, _, err = await kubectl("exec", "web", "--", "true")
    assert code == 1
    assert b'container "main" in pod "web" is not running' in err


async def test_children_that_hold_the_output_do_not_hold_exec_up(kubectl, tmp_path):
    code, out, _ = await kubectl("exec", "web", "--", "sh", "-c", "sleep 60 & echo $!")
    os.kill(int(out), signal.SIGKILL)
    assert code == 0


@asynccontextmanager
async def on_terminal(kubectl, *words: str, size: tuple[int, int] = (40, 100)):
    """Run kubectl on a terminal of its own; give our end of it and the process."""
    ours, theirs = pty.openpty()
    resize(ours, *size)

    process = await asyncio.create_subprocess_exec(
        "setsid", "--ctty", kubectl.program, *words,
        stdin=theirs, stdout=theirs, stderr=theirs, env=kubectl.environ,
    )  # fmt: skip
    os.close(theirs)
    os.set_blocking(ours, False)
    try:
        yield ours, process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        os.close(ours)


def resize(terminal: int, rows: int, columns: int) -> None:
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))


async def read_until(terminal: int, text: bytes) -> bytes:
    seen = b""
    async with asyncio.timeout(15):
        while text not in seen:
            try:
                seen += os.read(terminal, 4096)
            except BlockingIOError:
                await asyncio.sleep(0.01)
            except OSError:
                raise AssertionError(f"the terminal ended after {seen!r}") from None
    return seen


async def test_a_terminal_has_the_clients_size_and_follows_it(kubectl):
    script = 'stty size; echo ready; read x; until [ "$(stty size)" = "$x" ]; do sleep 0.01; done; exit 5'
    async with on_terminal(kubectl, "exec", "-it", "web", "--", "bash", "-c", script) as (terminal, process):
        assert b"40 100" in await read_until(terminal, b"ready")
        resize(terminal, 50, 120)
        os.kill(process.pid, signal.SIGWINCH)
        os.write(terminal, b"50 120\n")
        async with asyncio.timeout(10):
            assert await process.wait() == 5


async def test_a_client_that_is_killed_takes_its_command_along(kubectl):
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        kubectl.program, "exec", "-i", "web", "--", "sh", "-c", "echo $$; sleep 1000; true",
        stdin=pipe, stdout=pipe, env=kubectl.environ,
    )  # fmt: skip
    assert process.stdout
    pid = int(await process.stdout.readline())
    process.kill()
    await process.wait()
    async with asyncio.timeout(10):
        while Path(f"/proc/{pid}").exists():  # noqa: ASYNC110
            await asyncio.sleep(0.02)
    process._transport.close()


@pytest.fixture
async def echo_port():
    """A server that says hello and then echoes in capitals."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello\n")
        with suppress(ConnectionError):
            while data := await reader.read(1 << 16):
                writer.write(data.upper())
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    yield server.sockets[0].getsockname()[1]
    server.close()


@asynccontextmanager
async def forwarding(kubectl, port: int):
    """Run kubectl port-forward; give its local port and the process."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        kubectl.program, "port-forward", "--address", "127.0.0.1", "pod/web", f":{port}",
        stdout=pipe, stderr=pipe, env=kubectl.environ,
    )  # fmt: skip
    try:
        assert process.stdout
        async with asyncio.timeout(15):
            line = await process.stdout.readline()
        yield int(line.split(b"127.0.0.1:")[1].split()[0]), process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.communicate()


async def test_port_forward_carries_several_connections_both_ways(kubectl, echo_port):
    async with forwarding(kubectl, echo_port) as (local, _), asyncio.timeout(20):
        connections = [await asyncio.open_connection("127.0.0.1", local) for _ in range(3)]
        for reader, writer in connections:
            assert await reader.readline() == b"hello\n"
            text = b"boat" * 50_000
            writer.write(text)
            assert await reader.readexactly(len(text)) == text.upper()
        for _, writer in connections:
            writer.close()


async def test_port_forward_to_a_closed_port_says_so(kubectl):
    async with forwarding(kubectl, 1) as (local, process), asyncio.timeout(20):
        reader, writer = await asyncio.open_connection("127.0.0.1", local)
        assert await reader.read() == b""
        writer.close()
        assert process.stderr
        line = await process.stderr.readline()
        assert b"failed to connect to localhost:1" in line


async def test_logs_come_with_and_without_timestamps(kubectl, runtime):
    runtime.log_path.write_bytes(
        b"2026-01-01T00:00:00.000000001Z stdout F first\n"
        b"2026-01-01T00:00:01.000000001Z stderr P sec\n2026-01-01T00:00:01.000000002Z stderr F ond\n"
    )
    assert (await kubectl("logs", "web"))[:2] == (0, b"first\nsecond\n")
    assert (await kubectl("logs", "web", "--tail=1", "--timestamps"))[1] == b"2026-01-01T00:00:01.000000001Z second\n"


async def test_logs_are_followed_until_the_container_is_gone(kubectl, runtime):
    with runtime.log_path.open("wb", buffering=0) as log:
        log.write(b"2026-01-01T00:00:00Z stdout F one\n")
        process = await asyncio.create_subprocess_exec(
            kubectl.program, "logs", "-f", "web", stdout=asyncio.subprocess.PIPE, env=kubectl.environ
        )
        async with asyncio.timeout(20):
            assert await process.stdout.readline() == b"one\n"
            log.write(b"2026-01-01T00:00:01Z stdout F two\n2026-01-01T00:00:02Z stdout F th")
            assert await process.stdout.readline() == b"two\n"
            log.write(b"ree\n")
            runtime.pid = 0
            assert await process.stdout.read() == b"three\n"
            assert await process.wait() == 0
