"""Files replaced whole, and what the system says of one that cannot be."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path


def replace(path: Path, content: bytes, mode: int = 0o600) -> None:
    """Make `content` the file at `path`, or leave what is there; a link there is followed. Raises OSError."""
    target = real(path)
    temporary = target.with_name(f".{target.name[:200]}.{os.getpid()}")
    try:
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "wb") as file:
            file.write(content)
        temporary.replace(target)
    except BaseException as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        if isinstance(error, OSError) and not error.filename:  # a write knows no name
            error.filename = os.fspath(path)
        raise


def real(path: Path) -> Path:
    """Return where a path leads, if anywhere (`Path.resolve` raises RuntimeError for a link to itself)."""
    return Path(os.path.realpath(path))


def told(error: OSError) -> str:
    """Return an error of the system as `PATH: what is wrong`, without its number."""
    if error.strerror is None:
        return str(error)
    reason = error.strerror[:1].lower() + error.strerror[1:]
    names = [os.fsdecode(name) for name in (error.filename, error.filename2) if isinstance(name, str | bytes)]
    return f"{' to '.join(names)}: {reason}" if names else reason
