"""Where nginx' files are, and on which ports it listens: all that rendering needs beside the model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

LUA_DIRECTORY: Final = Path(__file__).parent / "lua"
MODULES_DIRECTORY: Final = Path("/usr/lib/nginx/modules")


@dataclass(frozen=True, slots=True)
class Runtime:
    """The surroundings of one nginx. `user`: whom its workers become when it starts as root, else None.

    `directory` holds what we write: the configuration, the fallback certificate and the control socket (in a directory
    only we may enter), and nginx' temporary files. `most_connections`: what the open files let a worker have.
    """

    directory: Path
    http_port: int = 80
    https_port: int = 443
    ipv6: bool = False
    user: str | None = None
    modules: Path = MODULES_DIRECTORY
    lua: Path = LUA_DIRECTORY
    most_connections: int = 16_384
    access_log: str = "/dev/stdout"
    error_level: str = "notice"
    shared_memory: str = "32m"
    """For endpoints, and for certificates: about 150 bytes an endpoint, 5 kB a certificate."""
    resolvers: tuple[str, ...] = ()
    """Addresses of name servers, for hosts that annotations name."""

    @property
    def conf(self) -> Path:
        """Return the path of nginx.conf."""
        return self.directory / "nginx.conf"

    @property
    def pid(self) -> Path:
        """Return the path of the master's pid file."""
        return self.directory / "nginx.pid"

    @property
    def temp(self) -> Path:
        """Return the directory of nginx' temporary files."""
        return self.directory / "temp"

    @property
    def files(self) -> Path:
        """Return the directory of the files that features need, such as passwords."""
        return self.directory / "files"

    @property
    def control(self) -> Path:
        """Return the directory only we may enter."""
        return self.directory / "control"

    @property
    def socket(self) -> Path:
        """Return the path of the control socket."""
        return self.control / "nginx.sock"

    @property
    def inner(self) -> Path:
        """Return the directory of the sockets by which nginx reaches itself."""
        return self.directory / "inner"

    @property
    def ending(self) -> Path:
        """Return the path of the socket where TLS is ended, while `passing` or the port of https leads there."""
        return self.inner / "ending.sock"

    @property
    def passing(self) -> Path:
        """Return the path of the socket from which connections are passed on as they are."""
        return self.inner / "passing.sock"

    @property
    def health(self) -> Path:
        """Return the path of the socket file that tells of our health."""
        return self.control / "health.sock"

    @property
    def certificate(self) -> Path:
        """Return the path of the fallback certificate and its key, in one file."""
        return self.control / "fallback.pem"
