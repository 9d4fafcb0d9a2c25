"""The nginx process: started, tested before every reload, reloaded by HUP, drained by QUIT."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import re
import shutil
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

from wherry.ingress.nginx import files, ports
from wherry.ingress.nginx.control import Control, ControlError
from wherry.ingress.nginx.errors import ConfigRefused, NginxError
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.nginx.template import checksum

log = logging.getLogger(__name__)

START_SECONDS = 10.0
RELOAD_SECONDS = 60.0
"""Upstream has measured 40 s for 3,000 Ingresses (kubernetes/ingress-nginx#11045)."""
PACKAGES = {
    "ndk_http_module.so": "libnginx-mod-http-ndk",
    "ngx_http_lua_module.so": "libnginx-mod-http-lua",
    "ngx_stream_module.so": "libnginx-mod-stream",
}
POLL_SECONDS = 0.01
KILL_SECONDS = 5.0


def find_binary(name: str = "nginx") -> str:
    """Return the path of nginx; raises `NginxError` when it is not installed."""
    found = shutil.which(
        name, path=os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"))
    )
    if found is None:
        raise NginxError(f"{name} is not installed (Debian: apt install nginx-light libnginx-mod-http-lua)")
    return found


def check_surroundings(runtime: Runtime, conf: str) -> None:
    """Raise `NginxError`, naming the way out, for what would keep nginx from working here: modules, ports."""
    check_modules(conf, NginxError)
    for port in (runtime.http_port, runtime.https_port):
        check_port(port)


def check_modules(conf: str, refusal: type[NginxError]) -> None:
    """Raise `refusal`, naming the way out, for the first module that `conf` loads and that is not there."""
    for path in map(Path, re.findall(r'^load_module "(.+)";$', conf, re.MULTILINE)):
        if not path.exists():
            package = PACKAGES.get(path.name, "a package that has it")
            raise refusal(f"{path} is missing (Debian: apt install {package}; elsewhere: see --nginx-modules)")


def check_port(port: int) -> None:
    """Raise `NginxError` when we could not listen on `port`, with the reason and the way around it."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)  # taken by who shares it is not taken: `reuse-port`
        try:
            probe.bind(("0.0.0.0", port))
        except PermissionError as error:
            raise NginxError(
                f"user {os.geteuid()} may not listen on port {port}: it needs CAP_NET_BIND_SERVICE in its ambient set, "
                f"or net.ipv4.ip_unprivileged_port_start at {port} or below, or other ports (--http-port, --https-port)"
            ) from error
        except OSError as error:
            raise NginxError(
                f"port {port} is taken: {error.strerror}; free it, or choose others with --http-port and --https-port"
            ) from error


def reason(said: str) -> str:
    """Return why nginx refused a configuration, from what `nginx -t` said, without our own file's name and line."""
    first = next((line for line in said.splitlines() if "[emerg]" in line), said)
    return re.sub(r"^.*\[emerg\] (\d+#\d+: )?(.*?)( in /\S+:\d+)?$", r"\2", first)


class Nginx:
    """One nginx, started by us or adopted. `start`, `adopt`, `reload`, `stop` must not overlap; all raise `NginxError`.

    It outlives us. `on_end` is called when it ends without `stop`.
    """

    def __init__(self, runtime: Runtime, binary: str):
        self.runtime = runtime
        self.control = Control(runtime.socket)
        self.on_end: Callable[[], None] = lambda: None
        self._binary = binary
        self._child: asyncio.subprocess.Process | None = None  # kept, since asyncio buries it only then
        self._pid: int | None = None
        self._left: int | None = None
        self._ended = asyncio.Event()

    @property
    def pid(self) -> int | None:
        """Return the master's process id while it runs."""
        return self._pid

    async def start(self, conf: str) -> None:
        """Start with `conf` and return once it is in force.

        What a killed predecessor left behind is stopped first; or if it shares its ports, after the next `reload`, so
        that somebody listens all the time.
        """
        self._left = files.left_behind(self.runtime)
        if self._left is not None and not files.shares_ports(self.runtime.conf.read_text()):
            await self._end_left()
        for socket_file in (self.runtime.socket, self.runtime.ending, self.runtime.passing):
            socket_file.unlink(missing_ok=True)
        check_surroundings(self.runtime, conf)
        files.write(self.runtime.conf, conf)
        # A process group of its own: a terminal's Ctrl-C is for us, and workers can be found when their master is gone.
        self._child = await asyncio.create_subprocess_exec(
            *self._command("-c", str(self.runtime.conf)), start_new_session=True
        )
        self._follow(self._child.pid)
        await self._in_force(conf, START_SECONDS)

    async def adopt(self) -> str | None:
        """Go on with the nginx a killed predecessor left behind; return the configuration in force, None without one.

        What is in force may be another one than the last written ("" then): a reload was under way.
        """
        master = files.living_master(self.runtime)
        try:
            wanted = await self.control.checksum() if master else ""
            conf = self.runtime.conf.read_text() if master else ""
        except (ControlError, OSError):
            return None
        if master is None:
            return None
        try:
            self._follow(master)
        except ProcessLookupError:
            return None
        return conf if checksum(conf) == wanted else ""

    async def reload(self, conf: str) -> None:
        """Test `conf`, put it in force without dropping a request, and return once it is.

        Raises `ConfigRefused` when the test fails.
        """
        candidate = self.runtime.conf.with_suffix(".next")
        if not files.shares_ports(conf):
            await self._end_left()
        await self._test(conf, candidate)
        candidate.rename(self.runtime.conf)
        self._signal(signal.SIGHUP)
        await self._in_force(conf, RELOAD_SECONDS)
        await self._end_left()

    async def _end_left(self) -> None:
        """Stop what a predecessor left behind."""
        left, self._left = self._left, None
        await files.take_over(self.runtime, left)

    async def test(self, conf: str) -> None:
        """Raise `ConfigRefused` with nginx' reason when it would not take `conf`. May overlap with everything else."""
        await self._test(conf, self.runtime.conf.with_suffix(".candidate"))

    async def stop(self, drain_seconds: float) -> None:
        """Stop listening, let requests under way finish for at most `drain_seconds`, and end."""
        self.on_end = lambda: None
        for number, patience in (
            (signal.SIGQUIT, drain_seconds),
            (signal.SIGTERM, KILL_SECONDS),
            (signal.SIGKILL, KILL_SECONDS),
        ):
            if self._pid is None:
                return
            self._signal(number)
            try:
                await asyncio.wait_for(self._ended.wait(), patience)
            except TimeoutError:
                log.warning("nginx did not end in time signal=%s seconds=%s", number.name, patience)

    def _follow(self, pid: int) -> None:
        """Learn when a process ends, whoever's child it is (pidfd_open(2))."""
        descriptor = os.pidfd_open(pid)
        self._pid = pid
        self._ended.clear()
        asyncio.get_running_loop().add_reader(descriptor, self._gone, descriptor)

    def _gone(self, descriptor: int) -> None:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)
        self._pid = None
        self._ended.set()
        self.on_end()

    async def _test(self, conf: str, candidate: Path) -> None:
        check_modules(conf, ConfigRefused)
        try:
            ports.check(conf, self.runtime.conf.read_text() if self._pid is not None else "")
            files.write(candidate, conf)
            test = await asyncio.create_subprocess_exec(
                *self._command("-t", "-q", "-c", str(candidate)), stderr=asyncio.subprocess.PIPE
            )
        except OSError as error:
            raise NginxError(f"nginx cannot be asked: {error}") from error
        _, output = await test.communicate()
        said = output.decode(errors="replace").strip()
        if test.returncode is None or test.returncode < 0:
            raise NginxError(f"nginx -t was ended by signal {-(test.returncode or 0)}: {said}")
        if test.returncode:
            raise ConfigRefused(reason(said))

    async def _in_force(self, conf: str, seconds: float) -> None:
        """Wait until workers with `conf` answer on the control socket."""
        wanted, deadline = checksum(conf), time.monotonic() + seconds
        while time.monotonic() < deadline:
            if self.pid is None:
                raise NginxError("nginx ended; its last lines above say why")
            try:
                if await self.control.checksum() == wanted:
                    return
            except ControlError:
                pass  # not listening yet
            await asyncio.sleep(POLL_SECONDS)
        raise NginxError(f"nginx did not take the configuration within {seconds:.0f} s; its last lines say why")

    def _command(self, *arguments: str) -> list[str]:
        return [self._binary, "-p", str(self.runtime.directory), "-e", "stderr", *arguments]

    def _signal(self, number: signal.Signals) -> None:
        if self._pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self._pid, number)


def access_log() -> str:
    """Return where nginx may write its access log: our own standard output, or "" when it cannot be opened by path."""
    try:
        os.close(os.open("/dev/stdout", os.O_WRONLY | os.O_APPEND))
    except OSError as error:
        log.warning("no access log: /dev/stdout: %s", error.strerror)
        return ""
    return "/dev/stdout"


def worker_user() -> str | None:
    """Return the user nginx' workers should become, or None when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("www-data", "nginx", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    return "root"


def has_ipv6() -> bool:
    """Whether this network namespace has IPv6 at all."""
    return Path("/proc/net/if_inet6").exists()


def resolvers() -> tuple[str, ...]:
    """Return the name servers of resolv.conf(5) that nginx can ask."""
    try:
        lines = Path("/etc/resolv.conf").read_text().splitlines()
    except OSError:
        return ()
    words = [line.split() for line in lines]
    return tuple(w[1] for w in words if len(w) > 1 and w[0] == "nameserver" and "%" not in w[1])
