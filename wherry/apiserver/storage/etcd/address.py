"""Where a store in etcd is: `URL[,URL…][/PREFIX][?ca=FILE&cert=FILE&key=FILE]`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import SplitResult, parse_qsl, urlsplit

if TYPE_CHECKING:
    import ssl

FILES = ("ca", "cert", "key")
DEFAULT_PREFIX = "/wherry"


@dataclass(frozen=True)
class Address:
    """The `endpoints` of one etcd (`http://HOST:PORT`), the prefix of our keys there, and PEM files for TLS.

    `network` is the network namespace it is reached from, None: this process's own.
    """

    endpoints: Sequence[str]
    prefix: str
    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None
    network: Path | None = None

    def __str__(self) -> str:
        """Return it as `parse` takes it."""
        files = "&".join(f"{name}={value}" for name in FILES if (value := getattr(self, name)))
        return f"{','.join(self.endpoints)}{self.prefix}{'?' if files else ''}{files}"

    def tls(self) -> ssl.SSLContext | None:
        """Return how to speak TLS, None where the endpoints are plain; raises `OSError`, of which `SSLError` is one."""
        if not self.endpoints[0].startswith("https:"):
            return None
        import ssl  # here: it takes long, and most know no etcd

        context = ssl.create_default_context(cafile=self.ca)
        if self.cert:
            context.load_cert_chain(self.cert, self.key)
        return context


def parse(text: str, prefix: str = DEFAULT_PREFIX) -> Address:
    """Return what `text` names, its keys under `prefix` where it does not name one; raises `ValueError`."""
    text, _, query = text.partition("?")
    files = _files(query)
    urls = text.split(",")
    parts = [_split(url) for url in urls]
    named = {path for _, path in parts if path}
    if len(named) > 1:
        raise ValueError(f"one prefix for all of them, not {' and '.join(sorted(named))}")
    endpoints = [endpoint for endpoint, _ in parts]
    schemes = {endpoint.partition(":")[0] for endpoint in endpoints}
    if len(schemes) > 1:
        raise ValueError("all http or all https")
    if files and schemes == {"http"}:
        raise ValueError(f"{', '.join(files)}: http needs no files, https does")
    return Address(endpoints, named.pop() if named else prefix, **files)


def _split(url: str) -> tuple[str, str]:
    """Return the endpoint and the path, "" for none, of one URL."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.fragment or not _port_is_one(parts):
        raise ValueError(f"{url!r} is no URL such as http://127.0.0.1:2379")
    if parts.username is not None or parts.password is not None:
        raise ValueError(f"{parts.scheme}://…@{parts.hostname}: users of etcd are not supported, certificates are")
    path = parts.path.rstrip("/")
    if path and not re.fullmatch(r"(/[A-Za-z0-9_.-]+)+", path):
        raise ValueError(f"{path} is no prefix of keys: /, letters, digits, '_', '.' and '-'")
    return f"{parts.scheme}://{parts.netloc}", path


def _port_is_one(parts: SplitResult) -> bool:
    try:
        return parts.port != 0
    except ValueError:
        return False


def _files(query: str) -> dict[str, Path]:
    files: dict[str, Path] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        if name not in FILES:
            raise ValueError(f"there is no option {name!r}; choose from {', '.join(FILES)}")
        if not Path(value).is_file():
            raise ValueError(f"{name}={value}: there is no such file")
        files[name] = Path(value).absolute()
    if "key" in files and "cert" not in files:
        raise ValueError("key= without cert=")
    return files
