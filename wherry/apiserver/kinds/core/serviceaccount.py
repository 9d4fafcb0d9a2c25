"""ServiceAccount (core/v1)."""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind
from wherry.objects.resource import SERVICE_ACCOUNTS

SERVICE_ACCOUNT = Kind(
    resource=SERVICE_ACCOUNTS,
    short_names=("sa",),
    columns=(Column("Secrets", lambda obj: len(obj.get("secrets") or ())),),
)
