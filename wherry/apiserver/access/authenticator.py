"""A request's credentials become a `User`: a bearer token, a client certificate, or nothing (the anonymous user).

Source: apiserver pkg/authentication; a bad token is refused even on a connection with a certificate.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.apiserver.access import certificates
from wherry.apiserver.access.accounts import Accounts
from wherry.apiserver.access.jwt import BadToken
from wherry.apiserver.user import ANONYMOUS, User
from wherry.objects.errors import Unauthorized


class Authenticator:
    """Recognises service account tokens and verified certificates."""

    def __init__(self, accounts: Accounts):
        self._accounts = accounts

    def user(self, authorization: str | None, certificate: Mapping[str, Any] | None) -> User:
        """Return who sent an `Authorization` header and a peer certificate; raises `Unauthorized` for a bad token."""
        scheme, _, token = (authorization or "").partition(" ")
        if scheme.lower() == "bearer" and token:
            try:
                return self._accounts.check(token.strip()).user
            except BadToken as error:
                raise Unauthorized("Unauthorized") from error
        return certificates.user(certificate) or ANONYMOUS
