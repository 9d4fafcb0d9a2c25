"""Where a request goes on."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from wherry.apiserver.calls import failure
from wherry.objects.family import bracketed


@dataclass(frozen=True, slots=True)
class Location:
    """One request to somebody else: `path` with its query is escaped, `tls` None for plain HTTP.

    `server` is the name that is to be proved, where it is not the host's.
    """

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None
    server: str | None = None

    @property
    def authority(self) -> str:
        """`host:port`, an IPv6 address in brackets."""
        return f"{bracketed(self.host)}:{self.port}"

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{'https' if self.tls else 'http'}://{self.authority}{self.path}"

    def failure(self, error: Exception) -> str:
        """Return why it could not be reached, in the words clients know from Go."""
        return failure.reason(error, self.authority)


def unverified_tls() -> ssl.SSLContext:
    """Return the context for `https:` proxying to pods, whose certificates nobody here can check.

    Source: kubernetes pkg/controlplane, createNodeDialer's proxy transport (InsecureSkipVerify).
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context
