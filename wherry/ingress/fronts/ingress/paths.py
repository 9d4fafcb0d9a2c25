"""Which hosts and paths may reach nginx.conf, and how a path matches.

The API server has checked hosts and paths already; we check again, since an attack begins where one of the two checks
is missing (CVE-2021-25745, -25748, 2022-4886, 2026-4342, 2026-24512). Both are closed sets of characters.

A pattern (`use-regex`) is checked to be of a subset that Python and PCRE read alike, so that one Ingress with a broken
pattern cannot make the whole nginx.conf invalid.
"""

from __future__ import annotations

import re
from typing import Final

from wherry.ingress.values import regex_error
from wherry.objects import names

MAX_PATH: Final = 1024
MAX_UNROLLED: Final = 8_000
"""Length of a pattern times all its counted repeats: PCRE unrolls a repeated group, and gives up at 64 KiB of code."""
MAX_GROUPS: Final = 50

_PATH: Final = re.compile(r"/[A-Za-z0-9\-._~!&()*+,:@%=/]*", re.ASCII)
_PATTERN_CHARS: Final = re.compile(r"/[A-Za-z0-9\-._~!&()*+,:@%=/|^$?\[\]{}\\]*", re.ASCII)
_ESCAPE: Final = re.compile(r"\\(.?)", re.ASCII)
_REPEAT: Final = re.compile(r"\{(\d{1,4})(?:(,)(\d{1,4})?)?\}", re.ASCII)
_KNOWN_ESCAPES: Final = frozenset("dDwWsSbB.-_~!&()*+,:@%=/|^$?[]{}\\")


def host_problem(host: str) -> str | None:
    """Return what is wrong with an Ingress host, or None."""
    errors = names.wildcard_subdomain(host) if host.startswith("*") else names.dns_subdomain(host)
    return errors[0] if errors else None


def path_problem(path: str) -> str | None:
    """Return what is wrong with a literal path, or None."""
    if len(path) > MAX_PATH:
        return f"must be no more than {MAX_PATH} characters"
    if not _PATH.fullmatch(path):
        return "must start with / and hold only letters, digits and -._~!&()*+,:@%=/ (other characters need use-regex)"
    return None


def pattern_problem(pattern: str) -> str | None:
    """Return what is wrong with a path used as a regular expression, or None."""
    if len(pattern) > MAX_PATH:
        return f"must be no more than {MAX_PATH} characters"
    if not _PATTERN_CHARS.fullmatch(pattern):
        return "must start with / and hold no blank, quote, semicolon or control character"
    if not all(m[1] in _KNOWN_ESCAPES and m[1] for m in _ESCAPE.finditer(pattern)):
        return r"a backslash may only be followed by d, w, s, b or a punctuation character"
    if wrong := _syntax_problem(_ESCAPE.sub("x", pattern)):
        return wrong
    error = regex_error(pattern)
    return f"is not a regular expression: {error}" if error else None


def _syntax_problem(bare: str) -> str | None:
    """Refuse what Python and PCRE read differently; `bare` has an `x` for every escape."""
    if re.search(r"\(\?(?![:=!])", bare):
        return "a group may only start with (, (?:, (?= or (?!"
    if re.search(r"\[[:.=]", bare):
        return "POSIX classes such as [:alpha:] are not supported"
    product = 1
    for repeat in _REPEAT.finditer(bare):
        product *= max(1, int(repeat[3] or repeat[1]))
    if product > 1 and product * len(bare) > MAX_UNROLLED:
        return "counted repeats are too large"
    if bare.count("(") > MAX_GROUPS:
        return f"must have no more than {MAX_GROUPS} groups"
    if re.search(r"[{}]", _REPEAT.sub("", bare)):
        return "a literal { or } needs a backslash before it"
    return None
