"""Service account tokens: issued for an audience and a time, bound to objects, and good only while those exist.

Source of the claims: kubernetes pkg/serviceaccount/claims.go; of the user: apiserver pkg/authentication/serviceaccount.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Sequence
from typing import NamedTuple

from wherry.apiserver.access.jwt import BadToken, Claims, Signer
from wherry.apiserver.state.state import State
from wherry.apiserver.user import AUTHENTICATED, User
from wherry.objects import Object
from wherry.objects.resource import NODES, PODS, SECRETS, SERVICE_ACCOUNTS, Resource

_BINDABLE = {"pod": PODS, "secret": SECRETS, "node": NODES}
LONGEST_MEMORY = 1024
_EXTRA = "authentication.kubernetes.io/"


class Grant(NamedTuple):
    """A good token's user, and the audiences it is for."""

    user: User
    audiences: tuple[str, ...]


class Accounts:
    """Issues tokens for service accounts and recognises them. `clock` tells the seconds since the epoch."""

    def __init__(self, signer: Signer, issuer: str, state: State, clock: Callable[[], float] = time.time):
        self.issuer = issuer
        self.signer = signer
        self._state = state
        self._clock = clock
        self._verified: dict[str, Claims] = {}

    def issue(self, account: Object, audiences: Sequence[str], seconds: int, bound: Object | None, kind: str) -> str:
        """Return a token for `account`, good for `seconds`, and only while the object `bound` (a `kind`) exists."""
        now = int(self._clock())
        metadata = account["metadata"]
        private: Claims = {
            "namespace": metadata["namespace"],
            "serviceaccount": {"name": metadata["name"], "uid": metadata["uid"]},
        }
        if bound is not None:
            private[kind.lower()] = {"name": bound["metadata"]["name"], "uid": bound["metadata"]["uid"]}
            if kind == "Pod" and (node := self._node(bound)) is not None:
                private["node"] = {"name": node["metadata"]["name"], "uid": node["metadata"]["uid"]}
        return self.signer.sign(
            {
                "iss": self.issuer,
                "sub": f"system:serviceaccount:{metadata['namespace']}:{metadata['name']}",
                "aud": list(audiences) or [self.issuer],
                "iat": now,
                "nbf": now,
                "exp": now + seconds,
                "jti": str(uuid.uuid4()),
                "kubernetes.io": private,
            }
        )

    def check(self, token: str, audiences: Sequence[str] = ()) -> Grant:
        """Return whose token it is, for one of `audiences` (default: this server); raises `BadToken`."""
        claims = self._claims(token)
        if claims.get("iss") != self.issuer:
            raise BadToken("issued by somebody else")
        now = self._clock()
        if now >= claims.get("exp", 0):
            raise BadToken("service account token has expired")
        if now < claims.get("nbf", 0) - 1:
            raise BadToken("service account token is not valid yet")
        targets = list(audiences) or [self.issuer]
        common = tuple(a for a in claims.get("aud", ()) if a in targets)
        if not common:
            raise BadToken(f"token audiences {claims.get('aud')} is invalid for the target audiences {targets}")
        private = claims["kubernetes.io"]
        self._check_bound(private)
        return Grant(_user(private, claims), common)

    def _claims(self, token: str) -> Claims:
        claims = self._verified.get(token)
        if claims is None:
            claims = self.signer.claims(token)
            if len(self._verified) >= LONGEST_MEMORY:
                self._verified.clear()
            self._verified[token] = claims
        return claims

    def _check_bound(self, private: Claims) -> None:
        """Raise `BadToken` unless the account and what the token is bound to are there still, and are the same ones."""
        namespace = private["namespace"]
        self._check_uid(SERVICE_ACCOUNTS, namespace, private["serviceaccount"], "service account")
        for name, resource in _BINDABLE.items():
            # A node claim beside a pod only says where the pod was; alone, the token is bound to the node.
            if name in private and not (name == "node" and "pod" in private):
                self._check_uid(resource, namespace, private[name], name)

    def _check_uid(self, resource: Resource, namespace: str, reference: Claims, what: str) -> None:
        obj = self._get(resource, namespace if resource.namespaced else "", reference["name"])
        if obj is None or obj["metadata"]["uid"] != reference["uid"]:
            raise BadToken(f"the {what} of this token does not exist any more")

    def _get(self, resource: Resource, namespace: str, name: str) -> Object | None:
        collection = self._state.find(resource)
        return collection.get((namespace, name)) if collection is not None else None

    def _node(self, pod: Object) -> Object | None:
        name = (pod.get("spec") or {}).get("nodeName")
        return self._get(NODES, "", name) if name else None


def _user(private: Claims, claims: Claims) -> User:
    namespace, account = private["namespace"], private["serviceaccount"]
    extra = {f"{_EXTRA}credential-id": [f"JTI={claims['jti']}"]}
    for kind in ("pod", "node"):
        if kind in private:
            extra[f"{_EXTRA}{kind}-name"] = [private[kind]["name"]]
            extra[f"{_EXTRA}{kind}-uid"] = [private[kind]["uid"]]
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{account['name']}", groups, account["uid"], extra)
