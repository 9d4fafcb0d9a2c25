"""Speaking for a user to a server that trusts this one: who it is, in headers that only our certificate makes count.

Source: https://kubernetes.io/docs/tasks/extend-kubernetes/configure-aggregation-layer/, client-go transport
(SetAuthProxyHeaders).
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from wherry.apiserver.user import User

NAME = "front-proxy-client"
"""The common name of our certificate."""
USER, UID, GROUP, EXTRA = "X-Remote-User", "X-Remote-Uid", "X-Remote-Group", "X-Remote-Extra-"
_OURS = "x-remote-"
_TOKEN = "!#$&'*+^`|"
"""What a header's name may have besides letters, digits and `-._~` (RFC 9110 §5.6.2), but for the escape itself."""


def speaking_for(user: User, headers: Iterable[tuple[str, str]] = ()) -> list[tuple[str, str]]:
    """Return `headers` without what they say of a user, and with what is true of `user`."""
    kept = [(name, value) for name, value in headers if not name.lower().startswith(_OURS)]
    said = [(USER, user.name), *((GROUP, group) for group in user.groups)]
    if user.uid:
        said.append((UID, user.uid))
    said += [(EXTRA + quote(key, safe=_TOKEN), value) for key, values in user.extra.items() for value in values]
    return [*kept, *said]
