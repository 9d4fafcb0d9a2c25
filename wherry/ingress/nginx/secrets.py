"""The files that features need beside nginx.conf, such as passwords: named by content, readable by nginx alone."""

from __future__ import annotations

import os
import pwd
import time

from wherry.ingress.nginx import files, parts
from wherry.ingress.nginx.errors import NginxError
from wherry.ingress.nginx.runtime import Runtime
from wherry.ingress.route.model import Structure

OLD_SECONDS = 300.0


def provide(runtime: Runtime, structure: Structure) -> None:
    """Write the files a configuration names, unless they are there; raises `NginxError` where it cannot."""
    try:
        _provide(runtime, structure)
    except OSError as error:
        raise NginxError(f"a file for nginx cannot be written: {error}") from error


def _provide(runtime: Runtime, structure: Structure) -> None:
    for name, content in parts.file_contents(structure).items():
        path = runtime.files / name
        if not path.exists():
            files.write(path, content, mode=0o400, owner=_owner(runtime))


def sweep(runtime: Runtime, structure: Structure) -> None:
    """Remove old files that the configuration in force does not name; a test under way may need the young ones."""
    wanted, old = parts.file_contents(structure), time.time() - OLD_SECONDS
    for path in runtime.files.glob("*"):
        if path.name not in wanted and path.stat().st_mtime < old:
            path.unlink(missing_ok=True)


def _owner(runtime: Runtime) -> int | None:
    """Return the user id of nginx' workers, None when they are we."""
    return pwd.getpwnam(runtime.user).pw_uid if runtime.user and os.geteuid() == 0 else None
