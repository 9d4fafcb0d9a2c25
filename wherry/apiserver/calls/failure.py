"""Why somebody could not be reached, in the words clients know from Go."""

from __future__ import annotations

import os
import ssl

_UNTRUSTED = "x509: certificate signed by unknown authority"
_CERTIFICATE = {
    10: "x509: certificate has expired or is not yet valid",
    18: _UNTRUSTED,
    19: _UNTRUSTED,
    20: _UNTRUSTED,
    21: _UNTRUSTED,
}
"""By OpenSSL's number (X509_V_ERR_…) of what is wrong with a certificate."""


def reason(error: Exception, authority: str) -> str:
    """Return what `error`, of a connection to `authority` (`host:port`), comes from."""
    if isinstance(error, TimeoutError):
        return f"dial tcp {authority}: i/o timeout"
    cause = getattr(error, "certificate_error", None) or getattr(error, "os_error", error)  # what aiohttp wraps
    if isinstance(cause, ssl.SSLCertVerificationError):
        why = _CERTIFICATE.get(cause.verify_code, f"x509: {cause.verify_message}")
        return f"tls: failed to verify certificate: {why}"
    if isinstance(cause, OSError) and cause.errno and not isinstance(cause, ssl.SSLError):
        return f"dial tcp {authority}: connect: {os.strerror(cause.errno).lower()}"
    return str(error) or type(error).__name__
