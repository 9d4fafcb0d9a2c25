"""ServiceAccount (core/v1)."""

from __future__ import annotations

from wherry.apiserver.kind import Column, Kind

SERVICE_ACCOUNT = Kind(
    kind="ServiceAccount",
    plural="serviceaccounts",
    singular="serviceaccount",
    short_names=("sa",),
    versions=(("", "v1"),),
    columns=(Column("Secrets", lambda obj: len(obj.get("secrets") or ())),),
)
