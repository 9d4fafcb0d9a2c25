"""Whom a `caBundle` trusts."""

from __future__ import annotations

import base64
import ssl
from functools import lru_cache


def made(bundle: str) -> ssl.SSLContext:
    """Return a new context that trusts the CAs of a bundle (base64 of PEM), those of this machine where it is empty.

    Raises `ValueError`.
    """
    try:
        pem = base64.b64decode(bundle).decode("ascii")
        context = ssl.create_default_context(cadata=pem or None)
    except (ValueError, ssl.SSLError) as error:
        raise ValueError(f"unable to load root certificates: {error}") from error
    context.set_alpn_protocols(["http/1.1"])
    return context


trusting = lru_cache(maxsize=128)(made)
"""The same, the one made before where there is one: not to be changed."""
