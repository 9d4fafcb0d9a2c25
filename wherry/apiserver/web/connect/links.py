"""Links of a proxied answer, made to lead through the proxy again: `/style.css` becomes `…/proxy/style.css`.

Source of the rules: apimachinery pkg/util/proxy/transport.go.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Links:
    """What is known of one proxied request.

    `prefix` is the path that leads to the backend, without a slash at its end; `hosts` are what the backend may take
    itself for: its own address, and the `Host` the client asked for.
    """

    prefix: str
    hosts: frozenset[str]

    def through_proxy(self, url: str) -> str:
        """Return a link as the client has to follow it; relative ones, and those to other hosts, stay as they are."""
        try:
            parts = urlsplit(url)
        except ValueError:
            return url
        elsewhere = parts.netloc and parts.netloc.rpartition("@")[2] not in self.hosts
        if elsewhere or not parts.path.startswith("/"):
            return url
        led = parts.path == self.prefix or parts.path.startswith(f"{self.prefix}/")
        path = parts.path if led else self.prefix + parts.path
        return parts._replace(scheme="", netloc="", path=path).geturl()
