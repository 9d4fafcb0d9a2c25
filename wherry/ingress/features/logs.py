"""What is logged of requests, and how."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Setting
from wherry.ingress.features.directive import Line, Text, block, flag, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

ANNOTATIONS: Final = (
    Annotation(
        name="enable-access-log", doc="Whether requests are in the access log.", read=values.boolean, default=True
    ),
    Annotation(
        name="enable-rewrite-log", doc="Whether rewrites are in the error log.", read=values.boolean, default=False
    ),
)

FORMAT: Final = (
    '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent "$http_referer" "$http_user_agent" '
    "$request_length $request_time [$proxy_upstream_name] [] $upstream_addr $upstream_response_length "
    "$upstream_response_time $upstream_status $req_id"
)
"""ingress-nginx' own (docs/user-guide/nginx-configuration/log-format.md)."""

_PARAMETER: Final = r"(buffer=[0-9]+[kKmM]?|flush=[0-9]+(ms|s|m|h)?|gzip(=[1-9])?)"
_PLACE: Final = values.pattern(
    r"off|/dev/std(out|err)|/var/log/nginx/[A-Za-z0-9._\-]+", "off, /dev/stdout or a file in /var/log/nginx"
)


def _format(text: str) -> str:
    said = " ".join(one.strip() for one in text.strip().splitlines())
    if not said or any(ord(c) < 0x20 or ord(c) == 0x7F for c in said):
        raise values.BadValue("expected text and variables of nginx, without control characters")
    return said


def _parameters(text: str) -> tuple[str, ...]:
    read = values.pattern(_PARAMETER, "parameters such as buffer=16k flush=1m")
    return tuple(read(word) for word in text.split())


SETTINGS: Final = (
    Setting(name="log-format-upstream", read=_format, default=FORMAT),
    Setting(name="log-format-escape-json", read=values.boolean, default=False),
    Setting(name="log-format-escape-none", read=values.boolean, default=False),
    Setting(name="disable-access-log", read=values.boolean, default=False),
    Setting(name="access-log-path", read=_PLACE, default=""),
    Setting(name="http-access-log-path", read=_PLACE, default=""),
    Setting(name="access-log-params", read=_parameters, default=()),
    Setting(name="skip-access-log-urls", read=values.patterns, default=()),
    Setting(name="enable-access-log-for-default-backend", read=values.boolean, default=False),
    Setting(name="enable-syslog", read=values.boolean, default=False),
    Setting(name="syslog-host", read=values.host, default=""),
    Setting(name="syslog-port", read=values.integer(1, 65_535), default=514),
)


@dataclass(frozen=True)
class AccessLog(Part):
    """The log's format, and which requests are never in it. Where it goes is `nginx/template.py`'s matter."""

    format: str = FORMAT
    escape: str = ""
    skipped: tuple[str, ...] = ()

    def http(self) -> Iterator[Line]:
        """Say both."""
        escape = [f"escape={self.escape}"] if self.escape else []
        yield line("log_format", "upstreaminfo", *escape, Text(self.format))
        if self.skipped:
            of = (line("default", "1"), *(line(values.map_key(one), "0") for one in self.skipped))
            yield block("map", Text("$request_uri"), Text("$loggable"), of=of)


@dataclass(frozen=True)
class Logs(Part):
    """What is logged."""

    access: bool = True
    rewrites: bool = False

    def location(self, at: At) -> Iterator[Line]:
        """Say what differs from nginx.conf's own."""
        if not self.access:
            yield line("access_log", "off")
        if self.rewrites:
            yield line("rewrite_log", flag(True))


def of(policy: Policy, sources: Sources) -> Logs | None:
    """Return what is logged, None for the usual."""
    made = Logs(policy["enable-access-log"], policy["enable-rewrite-log"])
    return made if made != Logs() else None


def everywhere(policy: Policy) -> AccessLog:
    """Return how requests are logged."""
    escape = "json" if policy["log-format-escape-json"] else "none" if policy["log-format-escape-none"] else ""
    return AccessLog(policy["log-format-upstream"], escape, policy["skip-access-log-urls"])
