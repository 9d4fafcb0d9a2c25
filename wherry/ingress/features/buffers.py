"""How much of an answer nginx keeps for a slow client."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation
from wherry.ingress.features.directive import Line, flag, line
from wherry.ingress.features.part import At, Part, Sources
from wherry.ingress.features.policy import Policy

_UNITS: Final = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}

ANNOTATIONS: Final = (
    Annotation(
        name="proxy-buffering",
        doc="Whether answers are taken from the endpoint as fast as it can, and kept for the client: on or off.",
        read=values.switch,
        default=False,
        setting=True,
    ),
    Annotation(
        name="proxy-buffer-size",
        doc="How large the head of an answer may be, such as 8k; 502 above it.",
        read=values.size,
        default="4k",
        setting=True,
    ),
    Annotation(
        name="proxy-buffers-number",
        doc="How many buffers of proxy-buffer-size an answer may have.",
        read=values.integer(2, 1024),
        default=4,
        setting=True,
    ),
    Annotation(
        name="proxy-busy-buffers-size",
        doc="How much may be on its way to the client while the rest is still read.",
        read=values.size,
        default="",
        setting=True,
    ),
    Annotation(
        name="proxy-max-temp-file-size",
        doc="How much of an answer may go to a file when proxy-buffering is on; 0 for none.",
        read=values.size,
        default="1024m",
        setting=True,
    ),
)


@dataclass(frozen=True)
class Buffers(Part):
    """Sizes as nginx writes them."""

    buffering: bool = False
    size: str = "4k"
    number: int = 4
    busy: str = ""
    file: str = "1024m"
    grpc: bool = False

    def location(self, at: At) -> Iterator[Line]:
        """Say what differs from nginx.conf's own."""
        if self.grpc:
            if self.size != "4k":
                yield line("grpc_buffer_size", self.size)
            return
        if self.buffering:
            yield line("proxy_buffering", flag(True))
        if (self.size, self.number, self.busy) != ("4k", 4, ""):
            yield line("proxy_buffer_size", self.size)
            yield line("proxy_buffers", str(self.number), self.size)
            yield line("proxy_busy_buffers_size", self._busy())
        if self.file != "1024m":
            yield line("proxy_max_temp_file_size", self._temporary())

    def _busy(self) -> str:
        """Return a size nginx takes: at least one buffer, less than all but one (ngx_http_proxy_module.c)."""
        one, most = _bytes(self.size), _bytes(self.size) * (self.number - 1)
        wanted = _bytes(self.busy) if self.busy else 2 * one
        return str(max(one, min(wanted, most)))

    def _temporary(self) -> str:
        """Return a size nginx takes: none, or at least one buffer."""
        least = _bytes(self.size)
        return self.file if _bytes(self.file) == 0 or _bytes(self.file) >= 2 * least else str(2 * least)


def of(policy: Policy, sources: Sources) -> Buffers:
    """Return the sizes."""
    return Buffers(
        buffering=policy["proxy-buffering"],
        size=policy["proxy-buffer-size"] if _bytes(policy["proxy-buffer-size"]) else "4k",
        number=policy["proxy-buffers-number"],
        busy=policy["proxy-busy-buffers-size"],
        file=policy["proxy-max-temp-file-size"],
        grpc=policy["backend-protocol"] in ("GRPC", "GRPCS"),
    )


def _bytes(size: str) -> int:
    found = re.fullmatch(r"(\d+)([kmg]?)", size.lower())
    assert found
    return int(found[1]) * _UNITS[found[2]]
