"""What expressions may ask of the `authorizer`: whether a user may do something else as well."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wherry.apiserver.access.attributes import Attributes
from wherry.apiserver.access.authorizer import Authorizer
from wherry.apiserver.admission.asked import Asked
from wherry.apiserver.user import User
from wherry.cel.asker import Asker, Decide


def by(authorizer: Authorizer) -> Decide:
    """Return who decides as `authorizer` does, which gives no reasons."""

    def decide(user: Mapping[str, Any], attempt: Mapping[str, str]) -> tuple[bool, str]:
        return authorizer.allowed(User.of(user), _attributes(attempt)), ""

    return decide


def asker(asked: Asked) -> Asker:
    """Return the `authorizer` of the expressions about one request."""
    resource = asked.resource
    attempt = {"group": resource.group, "resource": resource.plural, "subresource": asked.subresource}
    place = {"namespace": asked.namespace, "name": asked.name}
    return Asker(asked.user.info, {**attempt, **place}, asked.decide)


def _attributes(attempt: Mapping[str, str]) -> Attributes:
    known = {key: value for key, value in attempt.items() if key != "resource"}
    return Attributes(**known, plural=attempt.get("resource", ""))
