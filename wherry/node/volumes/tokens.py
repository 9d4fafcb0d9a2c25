"""Service account tokens for pods, asked for through the `serviceaccounts/token` subresource and renewed in time.

Source: k8s.io/api/authentication/v1 TokenRequest; kubernetes pkg/kubelet/token/token_manager.go (renewed after 80 % of
their life, or a day).
"""

from __future__ import annotations

from dataclasses import dataclass

from wherry.client.interface import Client
from wherry.node.volumes.errors import VolumeError
from wherry.objects import Object, timestamps
from wherry.objects.errors import ApiError
from wherry.objects.resource import SERVICE_ACCOUNTS

DEFAULT_LIFE_SECONDS = 3600
RENEWED_AFTER = 0.8
LONGEST_USE_SECONDS = 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Token:
    """A token and when to get the next (epoch seconds)."""

    text: str
    renew_at: float


class TokenSource:
    """The tokens of the pods of this node, kept in memory only."""

    def __init__(self, client: Client):
        self._client = client
        self._tokens: dict[tuple[str, str, int], Token] = {}

    async def get(self, pod: Object, projection: Object, now: float) -> Token:
        """Return the token of a `serviceAccountToken` projection, a new one if it is time; raises VolumeError."""
        audience, life = _wanted(projection)
        key = (pod["metadata"]["uid"], audience, life)
        known = self._tokens.get(key)
        if known is None or now >= known.renew_at:
            known = self._tokens[key] = await self._request(pod, audience, life, now)
        return known

    def known(self, pod: Object, projection: Object) -> Token | None:
        """Return the token in memory, or None."""
        return self._tokens.get((pod["metadata"]["uid"], *_wanted(projection)))

    def forget(self, uid: str) -> None:
        """Drop the tokens of a pod that is gone."""
        for key in [k for k in self._tokens if k[0] == uid]:
            del self._tokens[key]

    async def _request(self, pod: Object, audience: str, life: int, now: float) -> Token:
        meta, account = pod["metadata"], pod["spec"].get("serviceAccountName") or "default"
        request: Object = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "metadata": {},
            "spec": {
                "audiences": [audience] if audience else [],
                "expirationSeconds": life,
                "boundObjectRef": {"apiVersion": "v1", "kind": "Pod", "name": meta["name"], "uid": meta["uid"]},
            },
        }
        try:
            answer = await self._client.create(
                SERVICE_ACCOUNTS, request, meta["namespace"], name=account, subresource="token"
            )
        except ApiError as error:
            raise VolumeError(f"failed to fetch token: {error}") from error
        ends = timestamps.parse(answer["status"]["expirationTimestamp"])
        use = min((ends - now) * RENEWED_AFTER, LONGEST_USE_SECONDS)
        return Token(answer["status"]["token"], now + use)


def _wanted(projection: Object) -> tuple[str, int]:
    return projection.get("audience") or "", int(projection.get("expirationSeconds") or DEFAULT_LIFE_SECONDS)
