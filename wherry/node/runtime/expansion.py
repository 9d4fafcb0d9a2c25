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
