"""`$(NAME)` in env values, command and args. Pure.

Source: kubernetes third_party/forked/golang/expansion (expand.go).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_reference = re.compile(r"\$(?:(\$)|\(([^()]*)\))")


def expand(text: str, variables: Mapping[str, str]) -> str:
    """Replace `$(NAME)` by the variable; an unknown one stays as it is, and `$$` is a literal `$`."""

    def replace(match: re.Match[str]) -> str:
        if match[1]:
            return "$"
        return variables.get(match[2], match[0])

    return _reference.sub(replace, text)


def unresolved(text: str, variables: Mapping[str, str]) -> list[str]:
    """Return the variables that `text` refers to and that are not there."""
    return [name for _, name in _reference.findall(text) if name and name not in variables]
