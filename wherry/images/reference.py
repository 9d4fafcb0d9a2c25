"""An image's name, read as Docker reads it, and patterns for it. Pure.

`nginx`, `docker.io/nginx` and `index.docker.io/library/nginx:latest` are one image: a name without a registry is
docker.io's, there one without a folder is in `library`, and a tag that is not said is `latest`.
Source: github.com/distribution/reference (normalize.go, regexp.go).
"""

from __future__ import annotations

import re
from fnmatch import fnmatchcase
from typing import NamedTuple

_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = rf"(?:{_LABEL}(?:\.{_LABEL})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_NAME = re.compile(rf"(?:{_DOMAIN}/)?{_PART}(?:/{_PART})*")
_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_DIGEST = re.compile(r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}")


DOCKER_HUB = "docker.io"


class Reference(NamedTuple):
    """The parts of a reference, or of a pattern; `name` is the short one, `nginx` for docker.io/library/nginx."""

    name: str
    tag: str = ""
    digest: str = ""

    @property
    def registry(self) -> str:
        """The registry's host, with its port if one is said."""
        first, slash, _ = self.name.partition("/")
        says = slash and ("." in first or ":" in first or first == "localhost" or first != first.lower())
        return first if says else DOCKER_HUB

    @property
    def repository(self) -> str:
        """The name within the registry: `library/nginx` for nginx."""
        if self.registry != DOCKER_HUB:
            return self.name.partition("/")[2]
        return self.name if "/" in self.name else f"library/{self.name}"

    @property
    def wanted(self) -> str:
        """What the registry is asked for: the digest, where there is one, else the tag."""
        return self.digest or self.tag

    @property
    def full(self) -> str:
        """The whole name: docker.io/library/nginx:latest, or REPOSITORY@DIGEST; a tag beside a digest says nothing."""
        return f"{self.registry}/{self.repository}" + (f"@{self.digest}" if self.digest else f":{self.tag}")

    def at(self, digest: str) -> str:
        """Return the whole name of what it stands for now."""
        return f"{self.registry}/{self.repository}@{digest}"


def parse(text: str) -> Reference:
    """Read a reference; raises ValueError when it is none."""
    name, tag, digest = _split(text)
    rightly = _NAME.fullmatch(name) and (not tag or _TAG.fullmatch(tag)) and (not digest or _DIGEST.fullmatch(digest))
    if not rightly or text.endswith((":", "@")):
        raise ValueError(f'couldn\'t parse image name "{text}": invalid reference format')
    return Reference(_short(name), tag or ("" if digest else "latest"), digest)


def matches(reference: Reference, pattern: str) -> bool:
    """Tell whether a pattern is of this image: its name as a whole, and the tag and the digest if it has them.

    `*` and `?` stand for what they do in a shell, and for slashes too (fnmatch(3)).
    """
    name, tag, digest = _split(pattern)
    return (
        fnmatchcase(reference.name, _short(name))
        and (not tag or fnmatchcase(reference.tag, tag))
        and (not digest or fnmatchcase(reference.digest, digest))
    )


def _split(text: str) -> Reference:
    name, _, digest = text.partition("@")
    folder, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return Reference(folder + slash + last, tag, digest)


def _short(name: str) -> str:
    for registry in ("index.docker.io/", "docker.io/"):
        name = name.removeprefix(registry)
    folder, _, rest = name.partition("/")
    return rest if folder == "library" and "/" not in rest else name
