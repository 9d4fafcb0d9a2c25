"""Acting as somebody else, for those who may: `kubectl --as`.

Source: https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation and apiserver
pkg/endpoints/filters/impersonation.go.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import unquote

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.user import AUTHENTICATED, UNAUTHENTICATED, User
from wherry.objects.errors import BadRequest

_USER, _GROUP, _UID, _EXTRA = "impersonate-user", "impersonate-group", "impersonate-uid", "impersonate-extra-"
_ACCOUNT = "system:serviceaccount:"
_AUTHENTICATION = "authentication.k8s.io"


def impersonated(user: User, headers: Iterable[tuple[str, str]], authorizer: Authorizer) -> User:
    """Return who the request wants to be, or `user`; raises `Forbidden` or `BadRequest`."""
    asked = [(name.lower(), value) for name, value in headers if name[:12].lower() == "impersonate-"]
    if not asked:
        return user
    name = next((value for key, value in asked if key == _USER), "")
    groups = [value for key, value in asked if key == _GROUP]
    uid = next((value for key, value in asked if key == _UID), "")
    extra: dict[str, list[str]] = {}
    for key, value in asked:
        if key.startswith(_EXTRA):
            extra.setdefault(unquote(key.removeprefix(_EXTRA)), []).append(value)
    if not name:
        raise BadRequest("requested groups, uid or extra for impersonation without impersonating a user")
    for attempt in _attempts(name, groups, uid, extra):
        authorizer.require(user, attempt)
    if not groups and name.startswith(_ACCOUNT):
        namespace = name.removeprefix(_ACCOUNT).partition(":")[0]
        groups = ["system:serviceaccounts", f"system:serviceaccounts:{namespace}"]
    if AUTHENTICATED not in groups and UNAUTHENTICATED not in groups:
        groups.append(UNAUTHENTICATED if name == "system:anonymous" else AUTHENTICATED)
    return User(name, tuple(groups), uid, extra)


def _attempts(name: str, groups: list[str], uid: str, extra: dict[str, list[str]]) -> Iterator[Attributes]:
    """Yield everything the impersonator must be allowed to impersonate."""
    namespace, _, account = name.removeprefix(_ACCOUNT).partition(":")
    if name.startswith(_ACCOUNT) and account:
        yield Attributes(verb="impersonate", version="v1", plural="serviceaccounts", namespace=namespace, name=account)
    else:
        yield Attributes(verb="impersonate", version="v1", plural="users", name=name)
    for group in groups:
        yield Attributes(verb="impersonate", version="v1", plural="groups", name=group)
    if uid:
        yield Attributes(verb="impersonate", group=_AUTHENTICATION, version="v1", plural="uids", name=uid)
    for key, values in extra.items():
        for value in values:
            yield Attributes(
                verb="impersonate",
                group=_AUTHENTICATION,
                version="v1",
                plural="userextras",
                subresource=key,
                name=value,
            )
