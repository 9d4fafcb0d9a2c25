"""Questions that are posted and answered, and never stored: who is this, and who may do what?

Source: kubernetes pkg/registry/authentication, pkg/registry/authorization.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from wherry.apiserver.access.accounts import Accounts
from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.access.jwt import BadToken
from wherry.apiserver.user import User
from wherry.objects import Object
from wherry.objects.errors import BadRequest, FieldError, Invalid
from wherry.objects.resource import Resource

AUTHENTICATION, AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"


@dataclass(frozen=True, slots=True)
class Review:
    """A resource that only knows `create`: `answer(user, body, namespace)` returns the body with its status."""

    resource: Resource
    answer: Callable[[User, Object, str], Object]


def reviews(authorizer: Authorizer, accounts: Accounts) -> list[Review]:
    """Return all reviews."""
    access = _Access(authorizer)
    found = [
        (AUTHENTICATION, "tokenreviews", "TokenReview", False, _Tokens(accounts).review),
        (AUTHENTICATION, "selfsubjectreviews", "SelfSubjectReview", False, _who_am_i),
        (AUTHORIZATION, "subjectaccessreviews", "SubjectAccessReview", False, access.subject),
        (AUTHORIZATION, "localsubjectaccessreviews", "LocalSubjectAccessReview", True, access.local_subject),
        (AUTHORIZATION, "selfsubjectaccessreviews", "SelfSubjectAccessReview", False, access.own),
        (AUTHORIZATION, "selfsubjectrulesreviews", "SelfSubjectRulesReview", False, access.own_rules),
    ]
    return [Review(Resource(g, "v1", plural, kind, namespaced), f) for g, plural, kind, namespaced, f in found]


def _who_am_i(user: User, body: Object, namespace: str) -> Object:
    return {**body, "status": {"userInfo": user.info}}


class _Tokens:
    def __init__(self, accounts: Accounts):
        self._accounts = accounts

    def review(self, user: User, body: Object, namespace: str) -> Object:
        """Answer a TokenReview: whose token is it?"""
        spec = body.get("spec") or {}
        if not spec.get("token"):
            raise BadRequest("token is required for TokenReview in authentication")
        try:
            grant = self._accounts.check(spec["token"], spec.get("audiences") or ())
        except BadToken as error:
            return {**body, "status": {"authenticated": False, "user": {}, "error": str(error)}}
        status = {"authenticated": True, "user": grant.user.info, "audiences": list(grant.audiences)}
        return {**body, "status": status}


class _Access:
    def __init__(self, authorizer: Authorizer):
        self._authorizer = authorizer

    def subject(self, user: User, body: Object, namespace: str) -> Object:
        """Answer a SubjectAccessReview: may that user do that?"""
        spec = body.get("spec") or {}
        if not spec.get("user") and not spec.get("groups"):
            detail = 'Invalid value: "": at least one of user or group must be specified'
            raise _invalid("SubjectAccessReview", "spec.user", detail)
        other = User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""))
        return self._decided(other, body, spec)

    def local_subject(self, user: User, body: Object, namespace: str) -> Object:
        """Answer a LocalSubjectAccessReview: a SubjectAccessReview about the namespace it is posted to."""
        asked = (body.get("spec") or {}).get("resourceAttributes") or {}
        if asked.get("namespace") != namespace:
            detail = f'Invalid value: "{asked.get("namespace", "")}": must match metadata.namespace'
            raise _invalid("LocalSubjectAccessReview", "spec.resourceAttributes.namespace", detail)
        return self.subject(user, body, namespace)

    def own(self, user: User, body: Object, namespace: str) -> Object:
        """Answer a SelfSubjectAccessReview: may I do that?"""
        return self._decided(user, body, body.get("spec") or {})

    def own_rules(self, user: User, body: Object, namespace: str) -> Object:
        """Answer a SelfSubjectRulesReview: what may I do in a namespace?"""
        wanted = (body.get("spec") or {}).get("namespace") or ""
        if not wanted:
            raise BadRequest("no namespace on request")
        found: list[Object] = []
        for rule in self._authorizer.rules(user, wanted):
            if rule not in found:  # several bindings may lead to it
                found.append(rule)
        status = {
            "resourceRules": [_shown(r, _RESOURCE_KEYS) for r in found if r.get("resources")],
            "nonResourceRules": [_shown(r, _URL_KEYS) for r in found if r.get("nonResourceURLs")],
            "incomplete": False,
        }
        return {**body, "status": status}

    def _decided(self, user: User, body: Object, spec: Object) -> Object:
        asked = _attributes(spec, body["kind"])
        allowed = self._authorizer.allowed(user, asked)
        status: Object = {"allowed": allowed}
        if allowed:
            status["reason"] = "RBAC: allowed"
        return {**body, "status": status}


_RESOURCE_KEYS = ("verbs", "apiGroups", "resources", "resourceNames")
_URL_KEYS = ("verbs", "nonResourceURLs")


def _shown(rule: Object, keys: tuple[str, ...]) -> Object:
    return {key: rule[key] for key in keys if rule.get(key)}


def _attributes(spec: Object, kind: str) -> Attributes:
    resource, path = spec.get("resourceAttributes"), spec.get("nonResourceAttributes")
    if (resource is None) == (path is None):
        detail = "Invalid value: null: exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise _invalid(kind, "spec.resourceAttributes", detail)
    if path is not None:
        return Attributes(verb=path.get("verb", ""), path=path.get("path", ""))
    assert resource is not None  # exactly one of the two
    return Attributes(
        verb=resource.get("verb", ""),
        group=resource.get("group", ""),
        version=resource.get("version", ""),
        plural=resource.get("resource", ""),
        subresource=resource.get("subresource", ""),
        namespace=resource.get("namespace", ""),
        name=resource.get("name", ""),
    )


def _invalid(kind: str, path: str, detail: str) -> Invalid:
    return Invalid.of(kind, "", [FieldError("FieldValueInvalid", path, detail)], AUTHORIZATION)
