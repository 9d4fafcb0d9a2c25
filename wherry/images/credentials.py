"""Who asks a registry: Docker's config.json and the Secrets made of it.

Source: kubernetes pkg/credentialprovider (config.go, keyring.go); docker/cli's config file; docker-credential-helpers'
protocol.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import fnmatch
import hashlib
import json
import os
import pwd
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wherry.images.errors import PullError
from wherry.images.reference import DOCKER_HUB
from wherry.objects import Object

HUB_NAMES = (DOCKER_HUB, "index.docker.io", "registry-1.docker.io")
HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
HELPER_SECONDS = 20.0
TOKEN_USER = "<token>"
"""What helpers call the user whose secret is an identity token."""


@dataclass(frozen=True, slots=True)
class Credential:
    """A user and a password, or an identity token (OAuth2's refresh token) in place of both."""

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def mark(self) -> str:
        """What tells it from others without giving it away."""
        return hashlib.sha256("\0".join(("wherry", self.user, self.password, self.identity_token)).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Keyring:
    """Credentials by what they are for: `HOST[:PORT][/PATH]`, where the host may have `*` for one of its labels.

    `helpers`: which program is asked for a host's; `store`: which one for all others.
    """

    entries: Sequence[tuple[str, Credential]] = ()
    helpers: Mapping[str, str] = field(default_factory=dict)
    store: str = ""

    def find(self, registry: str, repository: str) -> list[Credential]:
        """Return the credentials for a repository, those of the longest path first. Pure."""
        asked = f"{registry}/{repository}"
        fitting = [(key, credential) for key, credential in self.entries if _covers(key, asked)]
        return [credential for _, credential in sorted(fitting, key=lambda one: -len(one[0]))]

    async def ask_helpers(self, registry: str) -> list[Credential]:
        """Return what the programs that keep credentials have for a registry. Raises PullError."""
        names = HUB_NAMES if registry in HUB_NAMES else (registry,)
        helper = next((self.helpers[name] for name in names if name in self.helpers), self.store)
        if not helper:
            return []
        server = "https://index.docker.io/v1/" if registry in HUB_NAMES else registry
        found = await _ask(helper, server)
        return [found] if found else []


def _covers(key: str, asked: str) -> bool:
    """Tell whether a key of a config file is for `HOST/REPOSITORY` (credentialprovider.URLsMatch)."""
    key = re.sub(r"^https?://", "", key)
    host, _, path = key.partition("/")
    asked_host, _, asked_path = asked.partition("/")
    path = re.sub(r"^v[12](/|$)", "", path).rstrip("/")
    if host in HUB_NAMES and asked_host in HUB_NAMES:
        return asked_path.startswith(path)
    return _same_host(host, asked_host) and asked_path.startswith(path)


def _same_host(pattern: str, host: str) -> bool:
    wanted, has = pattern.split("."), host.split(".")
    return len(wanted) == len(has) and all(fnmatch.fnmatchcase(*pair) for pair in zip(has, wanted, strict=True))


def of_config(document: Any, where: str) -> Keyring:
    """Read a parsed config.json (`auths`, `credHelpers`, `credsStore`). Raises PullError, naming `where`."""
    if not isinstance(document, dict):
        raise PullError(f"{where} is no object")
    helpers, store = document.get("credHelpers") or {}, document.get("credsStore") or ""
    if not isinstance(helpers, dict) or not isinstance(store, str):
        raise PullError(f"{where}: credHelpers or credsStore is not as Docker writes it")
    return Keyring(tuple(_entries(document.get("auths") or {}, where)), helpers, store)


def _entries(auths: Any, where: str) -> Iterator[tuple[str, Credential]]:
    if not isinstance(auths, dict):
        raise PullError(f"{where}: auths is no object")
    for key, entry in auths.items():
        if isinstance(entry, dict) and (credential := _credential(entry, f"{where}: {key}")):
            yield key, credential


def _credential(entry: Mapping[str, Any], where: str) -> Credential | None:
    user, password = str(entry.get("username") or ""), str(entry.get("password") or "")
    if auth := entry.get("auth"):
        try:
            user, colon, password = base64.b64decode(str(auth), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise PullError(f"{where}: auth is not the base64 of USER:PASSWORD") from error
        if not colon:
            raise PullError(f"{where}: auth is not the base64 of USER:PASSWORD")
    token = str(entry.get("identitytoken") or "")
    return Credential(user, password.rstrip("\0"), token) if user or token else None


def of_secret(secret: Object) -> Keyring:
    """Read a Secret of type kubernetes.io/dockerconfigjson or dockercfg; others have none. Raises PullError."""
    name = f"the Secret {secret['metadata'].get('namespace', '')}/{secret['metadata']['name']}"
    data = secret.get("data") or {}
    if ".dockerconfigjson" in data:
        return of_config(_json(data[".dockerconfigjson"], name), name)
    if ".dockercfg" in data:
        return Keyring(tuple(_entries(_json(data[".dockercfg"], name), name)))
    return Keyring()


def _json(encoded: str, name: str) -> Any:
    try:
        return json.loads(base64.b64decode(encoded))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise PullError(f"{name} holds no JSON") from error


def of_this_machine(environment: Mapping[str, str] = os.environ) -> Keyring:
    """Read what `docker login` has left: of this user, or of the one who called sudo. Raises PullError."""
    for path in config_files(environment):
        try:
            text = path.read_bytes()
        except OSError:
            continue
        try:
            return of_config(json.loads(text), str(path))
        except (ValueError, RecursionError) as error:
            raise PullError(f"{path} holds no JSON") from error
    return Keyring()


def config_files(environment: Mapping[str, str]) -> Iterator[Path]:
    """Yield where Docker's and then Podman's logins may lie, the first that is there counts."""
    if folder := environment.get("DOCKER_CONFIG"):
        yield Path(folder) / "config.json"
    homes = [Path(environment.get("HOME") or "/root")]
    if caller := environment.get("SUDO_USER"):
        with suppress(KeyError):
            homes.append(Path(pwd.getpwnam(caller).pw_dir))
    yield from (home / ".docker" / "config.json" for home in homes)
    if run := environment.get("XDG_RUNTIME_DIR"):
        yield Path(run) / "containers" / "auth.json"
    yield Path("/run/containers/0/auth.json")


async def _ask(helper: str, server: str) -> Credential | None:
    """Ask `docker-credential-HELPER get`; None where it knows nothing of the server."""
    program = f"docker-credential-{helper}"
    if not HELPER.fullmatch(helper) or shutil.which(program) is None:
        raise PullError(f"config.json names the credential helper {helper!r}, and there is no {program} on the PATH")
    process = await asyncio.create_subprocess_exec(
        program, "get", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL
    )
    try:
        async with asyncio.timeout(HELPER_SECONDS):
            output, _ = await process.communicate(server.encode())
    except TimeoutError as error:
        raise PullError(f"{program} does not answer") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        return None
    try:
        answer = json.loads(output)
        user, secret = str(answer["Username"]), str(answer["Secret"])
    except (ValueError, KeyError, TypeError) as error:
        raise PullError(f"{program} answers what is no credential") from error
    return Credential(identity_token=secret) if user == TOKEN_USER else Credential(user, secret)


def merged(keyrings: Iterable[Keyring]) -> Keyring:
    """Return one that has the entries of all."""
    return Keyring(tuple(entry for one in keyrings for entry in one.entries))
