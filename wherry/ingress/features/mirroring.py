"""Every request goes to a second place, too, whose answer nobody sees."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk
from wherry.ingress.features.directive import Line, Text, block, flag, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy


def _target(text: str) -> str:
    found = values.url(text)
    if not found.startswith(("http://", "https://")) or not urlsplit(found.partition("$")[0]).hostname:
        raise values.BadValue("expected a URL such as https://test.example.com$request_uri")
    return found


ANNOTATIONS: Final = (
    Annotation(
        name="mirror-target",
        risk=Risk.HIGH,
        doc="Requests are sent to this URL, too, such as https://test.example.com$request_uri.",
        read=_target,
        default="",
    ),
    Annotation(
        name="mirror-request-body", doc="Whether with their bodies: on or off.", read=values.switch, default=True
    ),
    Annotation(
        name="mirror-host",
        risk=Risk.MEDIUM,
        doc="The Host it gets; the URL's, unless given.",
        read=values.host,
        default="",
    ),
)


@dataclass(frozen=True)
class Mirror(Part):
    """The second place."""

    target: str
    body: bool = True
    host: str = ""

    def location(self, at: At) -> Iterator[Line]:
        """Send the request there."""
        yield line("mirror", f"/_mirror-{at.id}")
        yield line("mirror_request_body", flag(self.body))

    def beside(self, at: At) -> Iterator[Line]:
        """Return the location that sends it."""
        host = self.host or urlsplit(self.target.partition("$")[0]).netloc
        lines = [line("internal"), line("access_log", "off"), line("proxy_set_header", "Host", Text(host))]
        if not self.body:
            lines += [line("proxy_pass_request_body", flag(False)), line("proxy_set_header", "Content-Length", "")]
        lines += [line("proxy_ssl_server_name", flag(True)), line("set", Text("$mirror_target"), Text(self.target))]
        lines.append(line("proxy_pass", Text("$mirror_target")))
        yield block("location", "=", f"/_mirror-{at.id}", of=tuple(lines))


def of(policy: Policy, sources: Sources) -> Mirror | None:
    """Return the second place, None without one."""
    if not policy["mirror-target"]:
        return None
    return Mirror(policy["mirror-target"], policy["mirror-request-body"], policy["mirror-host"])
