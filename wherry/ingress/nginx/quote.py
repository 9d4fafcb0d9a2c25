"""The one way a value gets into nginx.conf: as a quoted string.

nginx' parser (`src/core/ngx_conf_file.c`, ngx_conf_read_token) ends a double-quoted string at an unescaped `"`, and
takes away a backslash before `"`, `'` and another backslash; before t, r and n it makes a control character. So a
backslash is always doubled. Variables are another matter: a directive that expands `$name` must be given only values
checked to hold no `$`.
"""

from __future__ import annotations

from wherry.ingress.nginx.errors import ConfigRefused


class Unquotable(ConfigRefused):
    """The text holds a control character: a line break, a NUL. No checked value does, so this is a bug of ours."""


def quote(value: object) -> str:
    """Return `value` as one token of nginx.conf; raises `Unquotable` for control characters."""
    text = str(value)
    if any(ord(c) < 0x20 or ord(c) == 0x7F for c in text):
        raise Unquotable(f"control character in {text!r}")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def literal(value: object) -> str:
    """Return `value` quoted for a directive that expands variables; raises `Unquotable` when it would expand one."""
    if "$" in str(value):
        raise Unquotable(f"variable in {value!r}")
    return quote(value)
