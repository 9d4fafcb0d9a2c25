"""How a rule finds its names, which are lower-case text with the last dot."""

from __future__ import annotations

import re
from collections.abc import Callable

from wherry.dns.corefile import Directive

KINDS = ("exact", "prefix", "suffix", "substring", "regex")
Match = Callable[[str], str | None]
"""Returns what a name becomes, None where the rule is not about it."""
GROUP = re.compile(r"\{(\d+)\}")


def ended(text: str) -> str:
    """Return a name with its last dot, lower-case."""
    return text.lower() if text.endswith(".") else f"{text.lower()}."


def pattern(text: str, directive: Directive) -> re.Pattern[str]:
    """Return a regular expression; raises CorefileError."""
    try:
        return re.compile(text)
    except re.error as error:
        raise directive.error(f"{text} is no regular expression: {error}") from error


def matcher(kind: str, old: str, new: str, directive: Directive) -> Match:
    """Return what turns `old` into `new`, in the way `kind` says; raises CorefileError."""
    match kind:
        case "exact":
            return lambda name: ended(new) if name == ended(old) else None
        case "prefix":
            return lambda name: new.lower() + name[len(old) :] if name.startswith(old.lower()) else None
        case "suffix":
            return lambda name: name[: -len(ended(old))] + ended(new) if name.endswith(ended(old)) else None
        case "substring":
            return lambda name: name.replace(old.lower(), new.lower()) if old.lower() in name else None
    compiled = pattern(old, directive)

    def by_pattern(name: str) -> str | None:
        found = compiled.search(name)
        return ended(filled(new, found)) if found else None

    return by_pattern


def filled(text: str, found: re.Match[str]) -> str:
    """Put a match's groups in the places `{N}`; those there are not become empty."""
    groups = (found[0], *found.groups(default=""))
    return GROUP.sub(lambda m: groups[int(m[1])] if int(m[1]) < len(groups) else "", text)
