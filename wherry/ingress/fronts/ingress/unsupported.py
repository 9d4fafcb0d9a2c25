"""What happens to an Ingress that carries an annotation we do not act on.

Most are only reported. Two families would make the Ingress mean something else if they were passed over:

- An annotation that **restricts access** (who may come in, with which certificate or password). Serving the path
  without it would open what its owner closed, so the path answers 503 instead.
- **canary**: the Ingress is a second opinion on paths another Ingress serves. Without canary support it must not
  become their owner, so it is left out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wherry.ingress import values

_RESTRICTS_ACCESS: Final = (
    "auth-",
    "enable-global-auth",
    "enable-modsecurity",
    "enable-owasp-",
    "global-rate-limit",
    "limit-",
    "modsecurity-",
    "proxy-ssl-",
)


_HARMLESS: Final = ("auth-keepalive",)
"""They begin alike, and only make it faster."""


def restricts_access(name: str, text: str) -> bool:
    """Whether the annotation (without prefix) keeps someone out; "false" and "" ask for nothing."""
    return name.startswith(_RESTRICTS_ACCESS) and not name.startswith(_HARMLESS) and text not in ("", "false")


def is_canary(annotations: Mapping[str, str], prefix: str) -> bool:
    """Whether the Ingress says it is a canary; an unreadable value counts as yes."""
    text = annotations.get(f"{prefix}/canary", "false")
    try:
        return values.boolean(text)
    except values.BadValue:
        return True
