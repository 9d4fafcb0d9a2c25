"""tls CERT KEY [CA]: the certificate of a tls:// server block."""

from __future__ import annotations

from pathlib import Path

from wherry.dns.chain import Environment
from wherry.dns.corefile import Directive, ServerBlock
from wherry.dns.query import Quiet
from wherry.dns.transports.tls import CLIENTS, Certificates


def certificates(directive: Directive) -> Certificates:
    """Return what the directive names; raises CorefileError."""
    if len(directive.args) not in (2, 3):
        raise directive.error("needs a certificate and its key (acme is not supported)")
    clients = "nocert"
    for option in directive.options:
        if option.name != "client_auth" or len(option.args) != 1 or option.args[0] not in CLIENTS:
            raise directive.unknown(option)
        clients = option.args[0]
    certificate, key, *authority = map(Path, directive.args)
    return Certificates(certificate, key, authority[0] if authority else None, clients)


def setup(directive: Directive, block: ServerBlock, environment: Environment) -> Quiet:
    """Make the plugin, which does nothing: `certificates` has said it all."""
    certificates(directive)
    return Quiet()
