"""Who may come, by name and password (RFC 7617)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from wherry.ingress import values
from wherry.ingress.features.annotation import Annotation, Risk
from wherry.ingress.features.answer import Answer, Asked
from wherry.ingress.features.directive import File, Line, line
from wherry.ingress.features.part import At, Closed, Part, Sources
from wherry.ingress.features.policy import Policy
from wherry.objects import Object

_SECRET: Final = r"[a-z0-9]([a-z0-9.\-]{0,251}[a-z0-9])?(/[a-z0-9]([a-z0-9.\-]{0,251}[a-z0-9])?)?"
_USER: Final = re.compile(r"[^\s:#\x00-\x1f][^:\x00-\x1f]{0,255}:[^:\x00-\x1f]{1,512}(:[^\x00-\x1f]*)?")
"""A line of htpasswd: a name and a hash; nginx takes crypt, apr1, SSHA and bcrypt where the C library does."""

secret_name = values.pattern(_SECRET, "a Secret's name, perhaps with its namespace and a slash before it")

ANNOTATIONS: Final = (
    Annotation(
        name="auth-type",
        doc="basic: a name and password are asked for. digest is not supported and closes the paths.",
        read=values.one_of("basic"),
        default="",
        restricts=True,
    ),
    Annotation(
        name="auth-secret",
        risk=Risk.MEDIUM,
        doc="The Secret with the passwords, of the Ingress' own namespace: its entry `auth` is a htpasswd file, or see "
        "auth-secret-type.",
        read=secret_name,
        default="",
        restricts=True,
    ),
    Annotation(
        name="auth-secret-type",
        doc="auth-file, or auth-map: each entry of the Secret is a user, its value the password's hash.",
        read=values.one_of("auth-file", "auth-map"),
        default="auth-file",
        restricts=True,
    ),
    Annotation(
        name="auth-realm",
        risk=Risk.MEDIUM,
        doc="What the browser shows beside the question.",
        read=values.plain,
        default="",
    ),
)


@dataclass(frozen=True)
class BasicAuth(Part):
    """The realm, and the lines of a htpasswd file."""

    realm: str
    passwords: str = field(repr=False)

    def location(self, at: At) -> Iterator[Line]:
        """Ask."""
        yield line("auth_basic", self.realm)
        yield line("auth_basic_user_file", File(self.passwords))

    def refusals(self, at: At, asked: Asked) -> Iterator[Answer]:
        """Say who is refused."""
        yield Answer(401, "auth-type: basic", when="it has no name and password of the auth-secret")


def of(policy: Policy, sources: Sources) -> BasicAuth | None:
    """Return what is asked for, None for nothing; raises `Closed`."""
    if not policy["auth-type"]:
        if policy.says("auth-secret"):
            raise Closed("auth-secret is given without auth-type")
        return None
    name = own(policy["auth-secret"], sources, "auth-secret")
    secret = sources.secret(name)
    if secret is None:
        raise Closed(f"Secret {sources.namespace}/{name} of auth-secret does not exist", "Secret")
    lines = _file(secret) if policy["auth-secret-type"] == "auth-file" else _map(secret)
    users = [one for one in lines if one and not one.startswith("#")]
    if not users or not all(_USER.fullmatch(one) for one in users):
        raise Closed(f"Secret {sources.namespace}/{name} of auth-secret holds no htpasswd lines (user:hash)")
    return BasicAuth(policy["auth-realm"], "".join(f"{one}\n" for one in users))


def own(name: str, sources: Sources, annotation: str) -> str:
    """Return the name of an object of the Ingress' own namespace; raises `Closed` for another's."""
    namespace, slash, bare = name.rpartition("/")
    if slash and namespace != sources.namespace:
        raise Closed(f"{annotation} names an object of another namespace ({name})")
    if not bare:
        raise Closed(f"{annotation} is missing")
    return bare


def entry(secret: Object, key: str) -> str:
    """Return one entry of a Secret as text; raises `Closed`."""
    try:
        return base64.b64decode((secret.get("data") or {})[key], validate=True).decode()
    except (KeyError, TypeError, binascii.Error, UnicodeDecodeError) as error:
        raise Closed(f"Secret {secret['metadata']['name']} has no text {key!r}") from error


def _file(secret: Object) -> list[str]:
    return [one.strip() for one in entry(secret, "auth").splitlines()]


def _map(secret: Object) -> list[str]:
    return [f"{user}:{entry(secret, user).strip()}" for user in sorted(secret.get("data") or {})]
