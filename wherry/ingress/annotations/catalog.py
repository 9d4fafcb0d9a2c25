"""The table of all annotations we act on."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from wherry.ingress.annotations import (
    backend_protocol,
    force_ssl_redirect,
    proxy_body_size,
    proxy_connect_timeout,
    proxy_read_timeout,
    proxy_send_timeout,
    rewrite_target,
    ssl_redirect,
    use_regex,
)
from wherry.ingress.annotations.frame import Annotation

_MODULES: Final = (
    rewrite_target,
    use_regex,
    ssl_redirect,
    force_ssl_redirect,
    proxy_body_size,
    proxy_connect_timeout,
    proxy_read_timeout,
    proxy_send_timeout,
    backend_protocol,
)

ANNOTATIONS: Final[Mapping[str, Annotation]] = {m.ANNOTATION.name: m.ANNOTATION for m in _MODULES}
"""The supported annotations by name, without the prefix."""
