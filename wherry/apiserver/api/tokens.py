"""TokenRequest: a token for a service account, for an audience and a time, bound to an object if asked for.

Source of rules and texts: kubernetes pkg/registry/core/serviceaccount/storage/token.go,
pkg/apis/authentication/validation.
"""

from __future__ import annotations

import time

from wherry.apiserver.access.accounts import Accounts
from wherry.apiserver.admission import noderestriction
from wherry.apiserver.registry.registry import Registry
from wherry.apiserver.user import User
from wherry.objects import Object, fields, timestamps
from wherry.objects.errors import BadRequest, Conflict, Invalid, NotFound
from wherry.objects.resource import NODES, PODS, SECRETS

SHORTEST_SECONDS, DEFAULT_SECONDS, LONGEST_SECONDS = 600, 3600, 1 << 32
_BINDABLE = {"Pod": PODS, "Secret": SECRETS, "Node": NODES}


def issue(registry: Registry, accounts: Accounts, account: Object, body: Object, user: User) -> Object:
    """Answer the TokenRequest `body`; raises `Invalid`, `BadRequest`, `NotFound`, `Conflict`, `Forbidden`."""
    spec = dict(body.get("spec") or {})
    name = account["metadata"]["name"]
    seconds = spec.get("expirationSeconds") or DEFAULT_SECONDS
    _check_seconds(name, seconds)
    audiences = spec.get("audiences") or [accounts.issuer]
    reference = spec.get("boundObjectRef")
    bound = _bound(registry, account, reference) if reference else None
    noderestriction.check_token(account, bound, user)
    token = accounts.issue(account, audiences, seconds, bound, reference["kind"] if reference else "")
    spec |= {"audiences": audiences, "expirationSeconds": seconds}
    expiration = timestamps.rfc3339(time.time() + seconds)
    meta = {"name": name, "namespace": account["metadata"]["namespace"]}
    return {**body, "metadata": meta, "spec": spec, "status": {"token": token, "expirationTimestamp": expiration}}


def _check_seconds(name: str, seconds: int) -> None:
    path, why = "spec.expirationSeconds", ""
    if seconds < SHORTEST_SECONDS:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > LONGEST_SECONDS:
        why = "may not specify a duration larger than 2^32 seconds"
    if why:
        raise Invalid.of("TokenRequest", name, [fields.invalid(path, seconds, why)], "authentication.k8s.io")


def _bound(registry: Registry, account: Object, reference: Object) -> Object:
    """Return the object a token is to be bound to."""
    resource = _BINDABLE.get(reference.get("kind", ""))
    if resource is None or reference.get("apiVersion", "v1") != "v1":
        raise BadRequest(f"cannot bind token for serviceaccount to {reference.get('kind')}: not a Pod, Secret or Node")
    name = reference.get("name", "")
    namespace = account["metadata"]["namespace"] if resource.namespaced else ""
    obj = registry.find(resource, (namespace, name))
    if obj is None:
        raise NotFound.of(resource.plural, name)
    if reference.get("uid") and reference["uid"] != obj["metadata"]["uid"]:
        why = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record"
        raise Conflict.of(resource.plural, name, why)
    if resource is PODS and (obj["spec"].get("serviceAccountName") or "") != account["metadata"]["name"]:
        raise BadRequest(
            f"cannot bind token for serviceaccount {account['metadata']['name']!r} to pod running with different "
            "serviceaccount name."
        )
    return obj
