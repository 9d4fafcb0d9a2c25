"""What the controller's ConfigMap decides (`--configmap`): keys and defaults are ingress-nginx's.

A key we do not know, or a value of the wrong form, is reported by name and leaves the default in force; where it
restricts access, everything is closed instead. Keys that belong to a feature are declared in its file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from types import MappingProxyType
from typing import Any, Final

from wherry.ingress import values
from wherry.ingress.features import catalog
from wherry.ingress.features.annotation import Given, Setting
from wherry.ingress.features.part import Part
from wherry.ingress.features.policy import Policy
from wherry.ingress.values import BadValue
from wherry.objects import Object


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
    ssl_session_cache: bool = True
    ssl_session_cache_size: str = "10m"
    ssl_reject_handshake: bool = False
    hsts: bool = True
    hsts_max_age: int = 15_724_800
    hsts_include_subdomains: bool = True
    hsts_preload: bool = False
    use_http2: bool = True
    upstream_keepalive_connections: int = 320
    upstream_keepalive_timeout: int = 60
    upstream_keepalive_requests: int = 10_000
    upstream_keepalive_time: str = "1h"
    proxy_stream_timeout: str = "600s"
    proxy_stream_next_upstream: bool = True
    proxy_stream_next_upstream_timeout: str = "600s"
    proxy_stream_next_upstream_tries: int = 3
    proxy_stream_responses: int = 1
    proxy_protocol_header_timeout: str = "5s"
    max_worker_connections: int = 16_384
    worker_processes: str = "auto"
    worker_shutdown_timeout: str = "240s"
    worker_cpu_affinity: str = ""
    max_worker_open_files: int = 0
    enable_multi_accept: bool = True
    error_log_level: str = ""
    disable_ipv6: bool = False
    disable_ipv6_dns: bool = False
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
    "ssl-session-cache": values.boolean,
    "ssl-session-cache-size": values.size,
    "ssl-reject-handshake": values.boolean,
    "hsts": values.boolean,
    "hsts-max-age": values.integer(0, 999_999_999),
    "hsts-include-subdomains": values.boolean,
    "hsts-preload": values.boolean,
    "use-http2": values.boolean,
    "upstream-keepalive-connections": values.integer(1, 65_535),
    "upstream-keepalive-timeout": values.seconds,
    "upstream-keepalive-requests": values.integer(1, 99_999_999),
    "upstream-keepalive-time": values.duration,
    "proxy-stream-timeout": values.duration,
    "proxy-stream-next-upstream": values.boolean,
    "proxy-stream-next-upstream-timeout": values.duration,
    "proxy-stream-next-upstream-tries": values.integer(0, 999),
    "proxy-stream-responses": values.integer(0, 999_999),
    "proxy-protocol-header-timeout": values.duration,
    "max-worker-connections": values.integer(64, 65_535),
    "worker-processes": _processes,
    "worker-shutdown-timeout": values.duration,
    "worker-cpu-affinity": values.pattern(r"auto( [01]+)?|[01]+( [01]+)*", "auto, or masks such as 0101 1010"),
    "max-worker-open-files": values.integer(0, 99_999_999),
    "enable-multi-accept": values.boolean,
    "error-log-level": values.one_of("debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"),
    "disable-ipv6": values.boolean,
    "disable-ipv6-dns": values.boolean,
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


_OFF: Final = frozenset(
    (
        "allow-cross-namespace-resources", "allow-snippet-annotations", "enable-brotli", "enable-modsecurity",
        "enable-ocsp", "enable-opentelemetry", "enable-opentracing", "enable-owasp-modsecurity-crs",
        "proxy-ssl-location-only", "use-geoip", "use-geoip2",
    )
)  # fmt: skip
"""Keys that ask for nothing we lack where they say false, as Helm values often do."""


def restricts(key: str, text: str) -> bool:
    """Whether a key that no feature owns keeps somebody out; "false" and "" ask for nothing."""
    return key.startswith(_RESTRICTS) and key not in _HARMLESS and text not in ("", "false")


@cache
def usual() -> Settings:
    """Return the settings where no ConfigMap says others."""
    return read_settings({})[0]


def each(
    data: Mapping[str, str], config_maps: Mapping[tuple[str, str], Object] = MappingProxyType({})
) -> Iterator[Given]:
    """Yield the entries of a ConfigMap's `data`, but for those that ask for nothing we lack."""
    for key, text in sorted(data.items()):
        owned = catalog.SETTINGS.get(key)
        reader = owned.read if owned else READERS.get(key)
        if reader is None:
            if key not in _OFF or text not in ("", "false"):
                yield Given(key, why="not supported", closes=restricts(key, text), known=False)
            continue
        try:
            value = reader(text)
            if isinstance(owned, Setting) and owned.contents:
                value = owned.contents(_named(value, config_maps))
            yield Given(key, value)
        except BadValue as error:
            yield Given(key, why=f"{error}, got {text!r}", closes=bool(owned and owned.restricts))


def read_settings(
    data: Mapping[str, str], config_maps: Mapping[tuple[str, str], Object] = MappingProxyType({})
) -> tuple[Settings, list[str]]:
    """Return the settings a ConfigMap's `data` makes, and a sentence for each entry that was not used.

    `config_maps`: others that it may name, by namespace and name.
    """
    read = list(each(data, config_maps))
    used = {one.name: one.value for one in read if not one.why}
    given = {key: value for key, value in used.items() if key in catalog.SETTINGS}
    found = {key.replace("-", "_"): value for key, value in used.items() if key not in catalog.SETTINGS}
    problems = [sentence(one) for one in read if one.why and (one.known or one.closes)]
    unknown = [one.name for one in read if not one.known and not one.closes]
    if unknown:
        problems.append(f"these options are not supported and have no effect: {', '.join(unknown)}")
    closing = next((one.name for one in read if one.closes), "")
    denied = f"{closing} of the ConfigMap cannot be honoured" if closing else ""
    settings = replace(Settings(), **found, given=given, denied=denied)
    return replace(settings, everywhere=catalog.everywhere(Policy(common=settings.common))), problems


def sentence(one: Given) -> str:
    """Return what is wrong with a key, and what follows."""
    what = f"is ignored: {one.why}" if one.known else f"is {one.why}"
    return f"option {one.name!r} {what}{_CLOSED if one.closes else ''}"


def _named(reference: str, config_maps: Mapping[tuple[str, str], Object]) -> Mapping[str, str]:
    namespace, _, name = reference.partition("/")
    if reference and (namespace, name) not in config_maps:
        raise BadValue(f"ConfigMap {reference} does not exist, or may not be read")
    return config_maps.get((namespace, name), {}).get("data") or {}


_CLOSED: Final = ": it restricts access, so everything answers 503"
