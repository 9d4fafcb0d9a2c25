"""What the controller's ConfigMap decides (`--configmap`): keys and defaults are ingress-nginx's.

A key we do not know, or a value of the wrong form, is reported by name and leaves the default in force; where it
restricts access, everything is closed instead. Keys that belong to a feature are declared in its file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from wherry.ingress import values
from wherry.ingress.features import catalog
from wherry.ingress.features.part import Part
from wherry.ingress.features.policy import Policy
from wherry.ingress.values import BadValue


@dataclass(frozen=True, slots=True)
class Settings:
    """The controller-wide settings. Timeouts are in seconds, sizes and durations as nginx writes them.

    `given` are the features' values by key, `everywhere` what they add to all servers. `denied` says why nobody must be
    let in: a key that restricts access cannot be honoured.
    """

    ssl_protocols: tuple[str, ...] = ("TLSv1.2", "TLSv1.3")
    ssl_ciphers: str = (
        "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:"
        "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
    )
    ssl_prefer_server_ciphers: bool = True
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
    given: Mapping[str, Any] = field(default_factory=dict)
    everywhere: tuple[Part, ...] = ()
    denied: str = ""

    @property
    def common(self) -> Mapping[str, Any]:
        """Return the values of the features where no Ingress says another one."""
        return {**catalog.DEFAULTS, **self.given}

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
    "ssl-protocols": values.words(("TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3")),
    "ssl-ciphers": values.ciphers,
    "ssl-prefer-server-ciphers": values.boolean,
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


_RESTRICTS: Final = (
    "allow-",
    "bind-address-",
    "block-",
    "enable-modsecurity",
    "enable-owasp-",
    "global-auth-",
    "global-rate-limit-",
    "limit-",
    "modsecurity-",
    "proxy-ssl-",
)
"""How keys of ingress-nginx begin that keep somebody out."""
_HARMLESS: Final = ("allow-backend-server-header", "allow-snippet-annotations", "allow-cross-namespace-resources")


def restricts(key: str, text: str) -> bool:
    """Whether a key that no feature owns keeps somebody out; "false" and "" ask for nothing."""
    return key.startswith(_RESTRICTS) and key not in _HARMLESS and text not in ("", "false")


def read_settings(data: Mapping[str, str]) -> tuple[Settings, list[str]]:
    """Return the settings a ConfigMap's `data` makes, and a sentence for each entry that was not used."""
    found: dict[str, Any] = {}
    given: dict[str, Any] = {}
    problems: list[str] = []
    closing: list[str] = []
    unknown: list[str] = []
    for key, text in sorted(data.items()):
        owned = catalog.SETTINGS.get(key)
        reader = owned.read if owned else READERS.get(key)
        if reader is None:
            if restricts(key, text):
                closing.append(key)
                problems.append(f"option {key!r} is not supported{_CLOSED}")
            else:
                unknown.append(key)
            continue
        try:
            (given if owned else found)[key if owned else key.replace("-", "_")] = reader(text)
        except BadValue as error:
            closes = bool(owned and owned.restricts)
            closing += [key] if closes else []
            problems.append(f"option {key!r} is ignored: {error}, got {text!r}{_CLOSED if closes else ''}")
    if unknown:
        problems.append(f"these options are not supported and have no effect: {', '.join(unknown)}")
    denied = f"{closing[0]} of the ConfigMap cannot be honoured" if closing else ""
    settings = replace(Settings(), **found, given=given, denied=denied)
    return replace(settings, everywhere=catalog.everywhere(Policy(common=settings.common))), problems


_CLOSED: Final = ": it restricts access, so everything answers 503"
