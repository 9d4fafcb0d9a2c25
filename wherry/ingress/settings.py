"""What the controller's ConfigMap decides (`--configmap`): keys and defaults are ingress-nginx's.

A key we do not know, or a value of the wrong form, is reported by name and leaves the default in force.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from wherry.ingress import values
from wherry.ingress.values import BadValue


@dataclass(frozen=True, slots=True)
class Settings:
    """The controller-wide settings. Timeouts are in seconds, sizes and durations as nginx writes them."""

    proxy_body_size: str = "1m"
    proxy_connect_timeout: int = 5
    proxy_read_timeout: int = 60
    proxy_send_timeout: int = 60
    ssl_redirect: bool = True
    force_ssl_redirect: bool = False
    ssl_protocols: tuple[str, ...] = ("TLSv1.2", "TLSv1.3")
    hsts: bool = True
    hsts_max_age: int = 15_724_800
    hsts_include_subdomains: bool = True
    hsts_preload: bool = False
    use_forwarded_headers: bool = False
    use_http2: bool = True
    keep_alive: int = 75
    keep_alive_requests: int = 1000
    upstream_keepalive_connections: int = 320
    upstream_keepalive_timeout: int = 60
    upstream_keepalive_requests: int = 10_000
    max_worker_connections: int = 16_384
    worker_processes: str = "auto"
    worker_shutdown_timeout: str = "240s"
    server_tokens: bool = False
    disable_access_log: bool = False
    reuse_port: bool = False

    @property
    def hsts_header(self) -> str:
        """Return the Strict-Transport-Security value (RFC 6797), "" when it is off."""
        if not self.hsts:
            return ""
        parts = [f"max-age={self.hsts_max_age}"]
        parts += ["includeSubDomains"] if self.hsts_include_subdomains else []
        parts += ["preload"] if self.hsts_preload else []
        return "; ".join(parts)


def _processes(text: str) -> str:
    return text if text == "auto" else str(values.integer(1, 512)(text))


READERS: Final[Mapping[str, Callable[[str], Any]]] = {
    "proxy-body-size": values.size,
    "proxy-connect-timeout": values.seconds,
    "proxy-read-timeout": values.seconds,
    "proxy-send-timeout": values.seconds,
    "ssl-redirect": values.boolean,
    "force-ssl-redirect": values.boolean,
    "ssl-protocols": values.words(("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")),
    "hsts": values.boolean,
    "hsts-max-age": values.integer(0, 999_999_999),
    "hsts-include-subdomains": values.boolean,
    "hsts-preload": values.boolean,
    "use-forwarded-headers": values.boolean,
    "use-http2": values.boolean,
    "keep-alive": values.integer(0, 999_999),
    "keep-alive-requests": values.integer(1, 99_999_999),
    "upstream-keepalive-connections": values.integer(1, 65_535),
    "upstream-keepalive-timeout": values.seconds,
    "upstream-keepalive-requests": values.integer(1, 99_999_999),
    "max-worker-connections": values.integer(64, 65_535),
    "worker-processes": _processes,
    "worker-shutdown-timeout": values.duration,
    "server-tokens": values.boolean,
    "disable-access-log": values.boolean,
    "reuse-port": values.boolean,
}
"""The options we know, by their key in the ConfigMap; each names a field of `Settings`."""


def read_settings(data: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Return the settings a ConfigMap's `data` makes, and a sentence for each entry that was not used."""
    found: dict[str, Any] = {}
    problems = []
    for key, text in sorted(data.items()):
        reader = READERS.get(key)
        if reader is None:
            problems.append(f"option {key!r} is not supported and has no effect")
            continue
        try:
            found[key.replace("-", "_")] = reader(text)
        except BadValue as error:
            problems.append(f"option {key!r} is ignored: {error}, got {text!r}")
    return replace(Settings(), **found), problems
