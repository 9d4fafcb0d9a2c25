"""What a `Config` becomes on the wire: a TLS context and an Authorization header that stays fresh."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import ssl
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from wherry.client.kubeconfig import Config, ConfigError, ExecPlugin
from wherry.objects import timestamps
from wherry.objects.errors import Unauthorized

EXEC_TIMEOUT_SECONDS = 60
EXPIRY_MARGIN_SECONDS = 10


def tls_context(config: Config) -> ssl.SSLContext:
    """Return the context that checks the server and shows our certificate; raises `ConfigError` for unusable PEM."""
    try:
        context = ssl.create_default_context(cadata=config.ca.decode() if config.ca else None)
        if config.insecure:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        if config.client_certificate and config.client_key:
            _load_pair(context, config.client_certificate, config.client_key)
    except (ssl.SSLError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"certificates for {config.server} cannot be used: {error}") from error
    return context


def _load_pair(context: ssl.SSLContext, certificate: bytes, key: bytes) -> None:
    """Load a pair from memory: ssl wants file names, so lend it ones that never reach a disk."""
    descriptors = [_memory_file(certificate), _memory_file(key)]
    try:
        context.load_cert_chain(*(f"/proc/self/fd/{fd}" for fd in descriptors))
    finally:
        for fd in descriptors:
            os.close(fd)


def _memory_file(content: bytes) -> int:
    fd = os.memfd_create("wherry-pem", os.MFD_CLOEXEC)
    os.write(fd, content)
    os.lseek(fd, 0, os.SEEK_SET)
    return fd


class Credentials:
    """The headers that say who we are."""

    def __init__(self, config: Config):
        self._config = config
        self._token_file = _TokenFile(config.token_file) if config.token_file else None
        self._exec = _ExecToken(config.exec_plugin) if config.exec_plugin else None

    async def headers(self) -> list[tuple[str, str]]:
        """Return the headers of the next request; raises `Unauthorized` when a credential cannot be had."""
        headers = []
        if authorization := await self._authorization():
            headers.append(("Authorization", authorization))
        if self._config.impersonate_user:
            headers.append(("Impersonate-User", self._config.impersonate_user))
            headers += [("Impersonate-Group", group) for group in self._config.impersonate_groups]
        return headers

    def rejected(self) -> None:
        """Note that the server did not accept the last ones: fetch them anew."""
        if self._exec:
            self._exec.forget()

    async def _authorization(self) -> str | None:
        config = self._config
        if self._token_file:
            return f"Bearer {self._token_file.read()}"
        if config.token:
            return f"Bearer {config.token}"
        if self._exec:
            return f"Bearer {await self._exec.read()}"
        if config.username is not None:
            pair = base64.b64encode(f"{config.username}:{config.password or ''}".encode()).decode()
            return f"Basic {pair}"
        return None


class _TokenFile:
    """A token in a file that somebody replaces before it expires (projected service account tokens)."""

    def __init__(self, path: Path):
        self._path = path
        self._seen: tuple[int, int] | None = None
        self._token = ""

    def read(self) -> str:
        try:
            stat = self._path.stat()
            if (stat.st_mtime_ns, stat.st_ino) != self._seen:
                self._token = self._path.read_text().strip()
                self._seen = stat.st_mtime_ns, stat.st_ino
        except (OSError, UnicodeDecodeError) as error:
            if not self._token:
                raise Unauthorized(f"cannot read the token file: {error}") from error
        return self._token


class _ExecToken:
    """A token that a command prints; the command runs again once it has expired or was rejected."""

    def __init__(self, plugin: ExecPlugin):
        self._plugin = plugin
        self._lock = asyncio.Lock()
        self._token = ""
        self._expires = 0.0

    def forget(self) -> None:
        self._token = ""

    async def read(self) -> str:
        async with self._lock:
            if not self._token or time.time() > self._expires - EXPIRY_MARGIN_SECONDS:
                status = (await self._run()).get("status") or {}
                if not status.get("token"):
                    raise Unauthorized(
                        f"exec plugin {self._plugin.command} gave no token (certificates: not supported)"
                    )
                self._token = str(status["token"])
                expires = status.get("expirationTimestamp")
                self._expires = timestamps.parse(expires) if expires else float("inf")
            return self._token

    async def _run(self) -> Any:
        plugin = self._plugin
        info = {"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": {"interactive": False}}
        environ = {**os.environ, **plugin.env, "KUBERNETES_EXEC_INFO": json.dumps(info)}
        pipe = asyncio.subprocess.PIPE
        try:
            process = await asyncio.create_subprocess_exec(
                plugin.command, *plugin.args, env=environ, stdin=asyncio.subprocess.DEVNULL, stdout=pipe, stderr=pipe
            )
        except OSError as error:
            raise Unauthorized(f"exec plugin {plugin.command}: {error}. {plugin.hint}".strip()) from error
        try:
            async with asyncio.timeout(EXEC_TIMEOUT_SECONDS):
                out, err = await process.communicate()
            if process.returncode:
                text = err.decode(errors="replace").strip()
                raise Unauthorized(f"exec plugin {plugin.command} failed with code {process.returncode}: {text}")
            return json.loads(out)
        except (TimeoutError, ValueError) as error:
            raise Unauthorized(f"exec plugin {plugin.command}: {error or 'no answer in time'}") from error
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
