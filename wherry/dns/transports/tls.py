"""DNS over TLS (RFC 7858): the certificates of the `tls` plugin."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

CLIENTS = {
    "nocert": ssl.CERT_NONE,
    "request": ssl.CERT_OPTIONAL,
    "verify_if_given": ssl.CERT_OPTIONAL,
    "require_and_verify": ssl.CERT_REQUIRED,
}


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files, and whether clients must show a certificate (a word of `CLIENTS`)."""

    certificate: Path
    key: Path
    authority: Path | None = None
    clients: str = "nocert"

    def server(self) -> ssl.SSLContext:
        """Return what a listener needs; raises OSError (ssl.SSLError is one)."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.authority)
        context.load_cert_chain(self.certificate, self.key)
        context.verify_mode = CLIENTS[self.clients]
        return context
