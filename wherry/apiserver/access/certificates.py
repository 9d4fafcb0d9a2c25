"""A verified TLS client certificate is a user: the subject's common name, and its organizations as groups.

Source: apiserver pkg/authentication/request/x509 (CommonNameUserConversion).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.apiserver.user import AUTHENTICATED, User


def user(certificate: Mapping[str, Any] | None) -> User | None:
    """Return the user of a certificate as `ssl.SSLSocket.getpeercert` shows it; None without one or without a name."""
    if not certificate:
        return None
    attributes = [attribute for rdn in certificate.get("subject", ()) for attribute in rdn]
    name = next((value for key, value in attributes if key == "commonName"), "")
    groups = tuple(value for key, value in attributes if key == "organizationName")
    return User(name, (*groups, AUTHENTICATED)) if name else None
