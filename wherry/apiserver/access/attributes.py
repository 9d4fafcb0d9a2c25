"""What a request asks for, in the words of RBAC."""

from __future__ import annotations

from dataclasses import dataclass

from wherry.apiserver.user import User
from wherry.objects.errors import Forbidden


@dataclass(frozen=True, slots=True, kw_only=True)
class Attributes:
    """One attempt: `verb` on a resource (or on `path`, a URL that is none). `namespace` "" is the cluster scope."""

    verb: str
    group: str = ""
    version: str = ""
    plural: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str = ""

    @property
    def resource(self) -> str:
        """`pods`, `pods/log`: how rules name it."""
        return f"{self.plural}/{self.subresource}" if self.subresource else self.plural

    def forbidden(self, user: User, reason: str = "") -> Forbidden:
        """Return the refusal of this attempt by `user`.

        Source of the texts: apiserver pkg/endpoints/handlers/responsewriters/errors.go.
        """
        if self.path:
            return Forbidden.of("", "", f'User "{user.name}" cannot {self.verb} path "{self.path}"')
        scope = f'in the namespace "{self.namespace}"' if self.namespace else "at the cluster scope"
        text = f'User "{user.name}" cannot {self.verb} resource "{self.resource}" in API group "{self.group}" {scope}'
        return Forbidden.of(self.plural, self.name, f"{text}{f': {reason}' if reason else ''}", self.group)
