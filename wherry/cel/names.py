"""Names of fields that CEL has no name for: `foo-bar` is `foo__dash__bar`, `namespace` is `__namespace__`.

Source: k8s.io/apiserver pkg/cel/escaping.go.
"""

from __future__ import annotations

import re
from functools import lru_cache

_RESERVED = frozenset(
    (
        *("true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import"),
        *("let", "loop", "package", "namespace", "return", "var", "void", "while"),
    )
)
_WORDS = {"__": "__underscores__", ".": "__dot__", "-": "__dash__", "/": "__slash__"}
_ESCAPED = re.compile(r"__|[-./]")
_NAME = re.compile(r"[A-Za-z_./-][A-Za-z0-9_./-]*")


@lru_cache(maxsize=4096)
def escape(name: str) -> str | None:
    """Return the name of a field in expressions, None where it has none."""
    if name in _RESERVED:
        return f"__{name}__"
    if not _NAME.fullmatch(name):
        return None
    return _ESCAPED.sub(lambda match: _WORDS[match[0]], name)
